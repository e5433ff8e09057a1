import { readonly, ref } from 'vue';
import { explain } from '../sync';

export interface Toast {
  id: number;
  text: string;
  isError: boolean;
}

const LASTS_MS = 6_000;
const MOST = 3;

const toasts = ref<Toast[]>([]);
let last = 0;

function show(text: string, isError: boolean): void {
  const id = ++last;
  toasts.value = [...toasts.value, { id, text, isError }].slice(-MOST);
  setTimeout(() => dismiss(id), LASTS_MS);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Short words about what was done, or not, where there is no field and no dialog to say it in. */
export function useToasts() {
  return {
    toasts: readonly(toasts),
    dismiss,
    say: (text: string) => show(text, false),
    /** "Not pinned: The server cannot be reached." */
    complain: (what: string, problem: unknown) => show(`${what}: ${explain(problem)}`, true),
  };
}
