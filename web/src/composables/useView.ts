import type { ChatLine, View } from '../sync';
import { isMuted } from './loud';
import type { MenuItem } from './menu';
import { useAction } from './useAction';
import { useClient, useSession } from './useSession';

const HOUR_MS = 3_600_000;

/** How one wants to see a room: pinned, archived, quiet. All own devices hear of it; this one does not wait for that. */
export function useView() {
  const { api } = useSession();
  const client = useClient();
  const action = useAction();

  const setNotify = (id: string, notify: View['notify']) =>
    action.run(async () => {
      const { changed_at, ...view } = await api.setNotify(id, notify);
      client.chats.applyView(id, view, changed_at);
      client.chats.changed.emit();
    });

  const setView = (id: string, what: 'archive' | 'chat-pin', on: boolean) => action.run(() => api.setView(id, what, on));

  const mute = (line: ChatLine, hours: number | null) =>
    setNotify(line.room.id, { level: line.notify.level, muted_until: hours === null ? undefined : new Date(Date.now() + hours * HOUR_MS).toISOString() });

  function menuOf(line: ChatLine): MenuItem[] {
    return [
      { id: line.pinned ? 'chat-unpin' : 'chat-pin', name: line.pinned ? 'Unpin from the top' : 'Pin to the top', icon: 'pin' },
      isMuted(line) ? { id: 'unmute', name: 'Unmute', icon: 'bell' } : { id: 'mute', name: 'Mute for 8 hours', icon: 'mute' },
      { id: line.archived ? 'unarchive' : 'archive', name: line.archived ? 'Bring back from the archive' : 'Archive', icon: 'archive' },
    ];
  }

  function act(id: string, line: ChatLine): Promise<boolean> {
    if (id === 'chat-pin' || id === 'chat-unpin') return setView(line.room.id, 'chat-pin', id === 'chat-pin');
    if (id === 'archive' || id === 'unarchive') return setView(line.room.id, 'archive', id === 'archive');
    if (id === 'mute') return mute(line, 8);
    return setNotify(line.room.id, { level: line.notify.level === 'none' ? 'all' : line.notify.level });
  }

  return { ...action, menuOf, act, mute, setNotify, setView };
}
