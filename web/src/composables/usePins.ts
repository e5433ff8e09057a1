import { onScopeDispose, shallowRef } from 'vue';
import { isTemporary } from '../sync';
import type { LogEvent, Pin, Room } from '../sync';
import { useSession } from './useSession';

const CHANGES = new Set(['pin', 'unpin', 'delete', 'edit']);

/** The pinned messages of an open room, newest pin first; read again whenever the log says that they may be others. */
export function usePins(room: Room) {
  const { api } = useSession();
  const pins = shallowRef<Pin[]>([]);
  let isDue = false;
  let isReading = false;

  async function read(): Promise<void> {
    isDue = true;
    if (isReading) return;
    isReading = true;
    while (isDue) {
      isDue = false;
      try {
        pins.value = (await api.pins(room.id)).items;
      } catch (problem) {
        if (!isTemporary(problem)) pins.value = []; /* no member any more; else the next change asks again */
      }
    }
    isReading = false;
  }

  onScopeDispose(room.happened.on(({ kind }: LogEvent) => CHANGES.has(kind) && (kind === 'pin' || pins.value.length > 0) && void read()));
  onScopeDispose(room.skipped.on(() => void read()));

  return { pins, read };
}
