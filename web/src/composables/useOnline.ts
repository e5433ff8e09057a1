import { onScopeDispose, readonly, ref } from 'vue';
import { useClient } from './useSession';

/** A reconnection that takes less than this is nobody's business. */
const PATIENCE_MS = 1_500;

/** False once the socket or the API has been away for a moment. */
export function useOnline() {
  const client = useClient();
  const isOnline = ref(true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const update = () => {
    if (client.isConnected) {
      clearTimeout(timer);
      timer = undefined;
      isOnline.value = true;
    } else timer ??= setTimeout(() => (isOnline.value = false), PATIENCE_MS);
  };
  const stop = client.connection.on(update);
  update();
  onScopeDispose(() => {
    stop();
    clearTimeout(timer);
  });
  return readonly(isOnline);
}
