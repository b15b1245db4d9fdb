import { type RefObject, useEffect } from 'react';

/** Names the window, and so its entry in the history, by the heading of the page that it shows. */
export function useHeadingAsTitle(place: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const name = () => {
      const heading = element.querySelector('h1')?.textContent.trim();
      document.title = heading ? `${heading} · Runlake` : 'Runlake';
    };
    name();
    const watching = new MutationObserver(name);
    watching.observe(element, { childList: true, subtree: true, characterData: true });
    return () => watching.disconnect();
  }, [place]);
}
