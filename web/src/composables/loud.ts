import type { ChatLine } from '../sync';

export const isMuted = ({ notify }: Pick<ChatLine, 'notify'>, now = Date.now()): boolean =>
  notify.level === 'none' || (notify.muted_until !== undefined && Date.parse(notify.muted_until) > now);

/** Whether what is unread there calls for attention: the number in the title, the colour of the badge. */
export function isLoud(line: Pick<ChatLine, 'notify' | 'unread' | 'mentioned' | 'archived'>, now = Date.now()): boolean {
  if (line.unread === 0 || line.archived || isMuted(line, now)) return false;
  return line.notify.level === 'all' || line.mentioned;
}
