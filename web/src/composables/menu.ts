import type { IconName } from './icons';

export interface MenuItem {
  id: string;
  name: string;
  icon: IconName;
  isBad?: boolean; /* cannot be undone */
}

export type Place = Pick<DOMRect, 'left' | 'right' | 'top' | 'bottom'>;

const EDGE_PX = 8;

/** Where a box of this size goes: right below `at` and ending with it, above where there is no room below. */
export function placeNear(at: Place, box: HTMLElement): Record<string, string> {
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = at.bottom + 4;
  const top = below + height + EDGE_PX > window.innerHeight ? at.top - 4 - height : below;
  return { left: `${clamp(at.right - width, window.innerWidth - width)}px`, top: `${clamp(top, window.innerHeight - height)}px` };
}

const clamp = (wanted: number, most: number): number => Math.max(EDGE_PX, Math.min(wanted, most - EDGE_PX));
