import { computed, ref, watch } from 'vue';
import type { Ref } from 'vue';

/**
 * A list that is chosen from while the focus stays where one types: arrows move the mark, Enter takes what is
 * marked. `idOf` names an element for aria-activedescendant.
 */
export function useChoice<T>(items: Readonly<Ref<readonly T[]>>, name: string, pick: (item: T) => void) {
  const at = ref(0);
  watch(items, (now) => (at.value = Math.min(at.value, Math.max(0, now.length - 1))));

  const idOf = (index: number): string => `${name}-${index}`;

  function move(by: number): void {
    if (items.value.length === 0) return;
    at.value = (at.value + by + items.value.length) % items.value.length;
    document.getElementById(idOf(at.value))?.scrollIntoView({ block: 'nearest' });
  }

  /** True: the key was ours. */
  function onKey(event: KeyboardEvent): boolean {
    if (event.isComposing || items.value.length === 0) return false;
    if (event.key === 'ArrowDown') move(1);
    else if (event.key === 'ArrowUp') move(-1);
    else if (event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey)) pick(items.value[at.value]!);
    else return false;
    event.preventDefault();
    return true;
  }

  return {
    at,
    idOf,
    onKey,
    activeId: computed(() => (items.value.length > 0 ? idOf(at.value) : undefined)),
    reset: () => (at.value = 0),
  };
}
