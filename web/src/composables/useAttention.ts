import { onScopeDispose, readonly, ref } from 'vue';

/** Whether the person is looking at this page: visible, and the window has the focus. */
export function useAttention() {
  const isAttentive = ref(look());
  const update = () => (isAttentive.value = look());
  window.addEventListener('focus', update);
  window.addEventListener('blur', update);
  document.addEventListener('visibilitychange', update);
  onScopeDispose(() => {
    window.removeEventListener('focus', update);
    window.removeEventListener('blur', update);
    document.removeEventListener('visibilitychange', update);
  });
  return readonly(isAttentive);
}

const look = (): boolean => document.visibilityState === 'visible' && document.hasFocus();
