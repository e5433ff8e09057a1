/**
 * Takes the focus as soon as it is there: what was pressed to show it is gone, or is not what one goes on with.
 * In a dialog that opens with it, the browser asks for the attribute.
 */
export const vFocus = {
  beforeMount: (element: HTMLElement) => element.setAttribute('autofocus', ''),
  mounted: (element: HTMLElement) => element.focus(),
};
