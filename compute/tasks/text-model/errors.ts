import { RunlakeError } from '../../../lake/errors.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';

/** The endpoint refuses every request: a wrong key, model or address. Trying again cannot help. */
export class EndpointRefusedError extends PermanentTaskError {
  constructor(message: string, cause?: unknown) {
    super('ENDPOINT_REFUSED', message, cause);
  }
}

/** The endpoint has answered nothing for a while. The next attempt goes on where this one stopped. */
export class EndpointUnavailableError extends RunlakeError {
  readonly code = 'ENDPOINT_UNAVAILABLE';
}
