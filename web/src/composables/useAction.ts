import { readonly, ref, shallowRef } from 'vue';
import { Problem, explain } from '../sync';

/**
 * One thing at a time that a person asked for: whether it is under way, and why it was refused. `field` names
 * the member of the request that is at fault, if it is one's fault.
 */
export function useAction() {
  const isBusy = ref(false);
  const error = ref('');
  const cause = shallowRef<unknown>(null);
  const field = ref('');

  /** True when it is done; false when it was refused, or another one is under way. */
  async function run(action: () => Promise<unknown>): Promise<boolean> {
    if (isBusy.value) return false;
    isBusy.value = true;
    error.value = field.value = '';
    try {
      await action();
    } catch (problem) {
      refuse(problem);
    }
    isBusy.value = false;
    return error.value === '';
  }

  function refuse(problem: unknown): void {
    cause.value = problem;
    const fault = problem instanceof Problem ? problem.fault : null;
    field.value = fault?.field ?? '';
    error.value = fault?.detail ?? explain(problem);
  }

  function clear(): void {
    error.value = field.value = '';
  }

  return { isBusy: readonly(isBusy), error: readonly(error), field: readonly(field), cause, run, clear };
}
