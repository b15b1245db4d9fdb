import { type ReactNode, useState } from 'react';
import './copy.css';

/** Puts a text on the clipboard, and says so. */
export function CopyButton({
  text,
  children,
}: {
  text: string | (() => string);
  children: string;
}): ReactNode {
  const [said, setSaid] = useState('');
  return (
    <button
      type="button"
      className="copy"
      onClick={() => {
        // Pages that did not come over TLS have no clipboard.
        Promise.resolve()
          .then(() => navigator.clipboard.writeText(typeof text === 'string' ? text : text()))
          .then(() => setSaid('copied'))
          .catch(() => setSaid('the browser allows no copying here'));
      }}
      onBlur={() => setSaid('')}
    >
      {children} <span aria-live="polite">{said !== '' && `(${said})`}</span>
    </button>
  );
}
