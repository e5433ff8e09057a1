import type { IconName } from './icons';

export interface MenuItem {
  id: string;
  name: string;
  icon: IconName;
  isBad?: boolean; /* cannot be undone */
}

export type Place = Pick<DOMRect, 'left' | 'right' | 'top' | 'bottom'>;
