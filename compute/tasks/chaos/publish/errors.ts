import { RunlakeError } from '../../../../lake/errors.ts';

/** The artifacts that a run of the lake was made of are gone, or are other ones now. */
export class SourceChangedError extends RunlakeError {
  readonly code = 'SOURCE_CHANGED';
}

/** An artifact that has to be published is missing, unreadable or too large. */
export class UnpublishableRunError extends RunlakeError {
  readonly code = 'UNPUBLISHABLE_RUN';
}

/** The policy does not let the run be published as official. */
export class NotOfficialError extends RunlakeError {
  readonly code = 'NOT_OFFICIAL';
}

/** Something else is already where the run or the index would be written. */
export class PublishConflictError extends RunlakeError {
  readonly code = 'PUBLISH_CONFLICT';
}
