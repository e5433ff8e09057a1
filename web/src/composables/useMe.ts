import { useClient } from './useSession';
import { useSignal } from './useSignal';

/** Oneself, as one is called now. */
export function useMe() {
  const client = useClient();
  return useSignal(client.chats.changed, () => client.me);
}
