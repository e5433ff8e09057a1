import { onScopeDispose, readonly, ref } from 'vue';
import { useClient } from './useSession';

/** A reconnection that takes less than this is nobody's business. */
const PATIENCE_MS = 1_500;

/** False once the connection has been away for a moment. */
export function useOnline() {
  const { socket } = useClient();
  const isOnline = ref(true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const update = (connected: boolean) => {
    clearTimeout(timer);
    if (connected) isOnline.value = true;
    else timer = setTimeout(() => (isOnline.value = false), PATIENCE_MS);
  };
  const stop = socket.online.on(update);
  update(socket.isOnline);
  onScopeDispose(() => {
    stop();
    clearTimeout(timer);
  });
  return readonly(isOnline);
}
