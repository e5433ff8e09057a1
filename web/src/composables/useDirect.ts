import { useClient, useSession } from './useSession';
import { useToasts } from './useToasts';

/** To the chat with one person, from wherever one met them. */
export function useDirect(open: (roomId: string) => void) {
  const { api } = useSession();
  const client = useClient();
  const { complain } = useToasts();

  return async function writeTo(userId: string): Promise<void> {
    try {
      const { id } = await api.directRoom(userId);
      void client.fetchChat(id);
      open(id);
    } catch (problem) {
      complain('No chat was opened', problem);
    }
  };
}
