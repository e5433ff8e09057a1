import { computed, onScopeDispose, shallowRef } from 'vue';
import type { ComputedRef } from 'vue';
import type { Signal } from '../sync';

/**
 * `read()` again after every change; many changes in one turn cost one reading. `read` must return a
 * new value when something changed, since Vue compares by identity.
 */
export function useSignal<T, E>(signal: Signal<E>, read: () => T): ComputedRef<T> {
  const turn = shallowRef(0);
  let isDue = false;
  const stop = signal.on(() => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      turn.value++;
    });
  });
  onScopeDispose(stop);
  return computed(() => {
    void turn.value;
    return read();
  });
}
