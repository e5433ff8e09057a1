import { computed, ref } from 'vue';
import type { Message, Room } from '../sync';
import { QUICK } from './emoji';
import type { MenuItem } from './menu';
import { isBelow, may } from './rights';
import { useAction } from './useAction';
import { useClient, useSession } from './useSession';
import { useToasts } from './useToasts';

/** What one may do to the messages of a room, and what is being done: a reply or an edit begun, a deletion asked for. */
export function useMessageActions(room: Room, pinned: () => ReadonlySet<number>, send: (text: string, replyTo?: Message) => void) {
  const { api } = useSession();
  const { me } = useClient();
  const { complain, say } = useToasts();
  const saving = useAction();
  const deleting = useAction();
  const replyTo = ref<Message | null>(null);
  const editing = ref<Message | null>(null);
  const doomed = ref<Message | null>(null);
  const passed = ref<Message | null>(null); /* on, to another chat */

  const kind = () => room.info?.kind;
  const role = () => room.me?.role;
  const isOwn = (message: Message) => message.sender.id === me.id;

  const mayDelete = ({ sender }: Message) =>
    may('deleteAny', kind(), role()) && isBelow(room.members.get(sender.id)?.role ?? 'member', role());

  function menuOf(message: Message): MenuItem[] {
    const isPinned = pinned().has(message.seq);
    const items: (MenuItem | false)[] = [
      { id: 'reply', name: 'Reply', icon: 'reply' },
      { id: 'forward', name: 'Forward', icon: 'forward' },
      { id: 'copy', name: 'Copy text', icon: 'copy' },
      may('pin', kind(), role()) && { id: isPinned ? 'unpin' : 'pin', name: isPinned ? 'Unpin' : 'Pin', icon: 'pin' },
      isOwn(message) && message.forward === undefined && { id: 'edit', name: 'Edit', icon: 'edit' },
      (isOwn(message) || mayDelete(message)) && { id: 'delete', name: 'Delete', icon: 'trash', isBad: true },
    ];
    return items.filter((item) => item !== false);
  }

  function cancel(): void {
    replyTo.value = editing.value = null;
    saving.clear();
  }

  function reply(message: Message): void {
    cancel();
    replyTo.value = message;
  }

  function edit(message: Message): void {
    cancel();
    editing.value = message;
  }

  /** The newest own message that can be edited. */
  function editLast(): void {
    const last = room.timeline
      .entries()
      .flatMap((entry) => ('message' in entry ? [entry.message] : []))
      .filter((message) => isOwn(message) && message.deleted_at === undefined && message.forward === undefined)
      .at(-1);
    if (last !== undefined) edit(last);
  }

  /** What was written in the box: a new message, an answer, or another text of an old one. */
  async function submit(text: string): Promise<void> {
    const edited = editing.value;
    if (edited === null) {
      send(text, replyTo.value ?? undefined);
      cancel();
    } else if (text === edited.text || (await saving.run(() => api.editMessage(room.id, edited.seq, text)))) cancel();
  }

  async function copy({ text }: Message): Promise<void> {
    try {
      await navigator.clipboard.writeText(text ?? '');
      say('Copied');
    } catch (problem) {
      complain('Not copied', problem);
    }
  }

  async function setPin({ seq }: Message, on: boolean): Promise<void> {
    try {
      await (on ? api.pin(room.id, seq) : api.unpin(room.id, seq));
    } catch (problem) {
      complain(on ? 'Not pinned' : 'Still pinned', problem);
    }
  }

  async function remove(): Promise<void> {
    const message = doomed.value;
    if (message === null) return;
    if (await deleting.run(() => api.deleteMessage(room.id, message.seq))) doomed.value = null;
  }

  function act(id: string, message: Message): void {
    if (id === 'reply') reply(message);
    else if (id === 'edit') edit(message);
    else if (id === 'forward') passed.value = message;
    else if (id === 'copy') void copy(message);
    else if (id === 'pin' || id === 'unpin') void setPin(message, id === 'pin');
    else if (id === 'delete') {
      deleting.clear();
      doomed.value = message;
    }
  }

  return {
    quick: QUICK,
    replyTo,
    editing,
    doomed,
    passed,
    menuOf,
    act,
    reply,
    editLast,
    cancel,
    submit,
    remove,
    isSaving: saving.isBusy,
    fault: computed(() => saving.error.value),
    isDeleting: deleting.isBusy,
    deleteFault: deleting.error,
    setPin,
  };
}

