/** The page grows with the screen, and so do a small graph and the map. */
export const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 14;

/** How the view is fitted to the whole graph. */
export const wholeView = () => ({ padding: 0.12, maxZoom: scale() });
