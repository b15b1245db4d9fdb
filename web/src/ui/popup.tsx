import { type ReactNode, useEffect, useRef, useState } from 'react';
import './popup.css';

export interface PopupProps {
  readonly label: ReactNode;
  /** Which edge of the button the panel keeps to. */
  readonly side?: 'left' | 'right';
  readonly children: ReactNode;
}

/** A button that shows a panel over the page; Escape and clicks elsewhere close it. Its content is made when it opens. */
export function Popup({ label, side = 'left', children }: PopupProps): ReactNode {
  const place = useRef<HTMLDetailsElement>(null);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (!open) return;
    const close = () => {
      if (place.current !== null) place.current.open = false;
    };
    const elsewhere = ({ target }: Event) => {
      if (target instanceof Node && !place.current?.contains(target)) close();
    };
    const leave = ({ key }: KeyboardEvent) => {
      if (key !== 'Escape') return;
      const inside = place.current?.contains(document.activeElement);
      close();
      if (inside) place.current?.querySelector('summary')?.focus();
    };
    document.addEventListener('pointerdown', elsewhere);
    document.addEventListener('focusin', elsewhere);
    document.addEventListener('keydown', leave);
    return () => {
      document.removeEventListener('pointerdown', elsewhere);
      document.removeEventListener('focusin', elsewhere);
      document.removeEventListener('keydown', leave);
    };
  }, [open]);
  return (
    <details
      className={`popup ${side}`}
      ref={place}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>{label}</summary>
      {open && <div className="panel">{children}</div>}
    </details>
  );
}
