import { computed, reactive, ref } from 'vue';
import { Problem } from '../sync';
import type { Me, Visibility } from '../sync';
import { useAction } from './useAction';
import { useClient, useSession } from './useSession';
import { useToasts } from './useToasts';

interface Field {
  name: string;
  value: string;
  visibility: Visibility;
}

/** One's own profile as it is being written. */
export function useProfile() {
  const { api } = useSession();
  const client = useClient();
  const { say } = useToasts();
  const action = useAction();
  const me = ref<Me | null>(null);
  const draft = reactive({ name: '', about: '', who_may_write: 'anyone' as 'anyone' | 'contacts', fields: [] as Field[] });
  const hasChangedElsewhere = ref(false);

  function take(now: Me): void {
    me.value = now;
    client.becomes(now);
    draft.name = now.name;
    draft.about = now.about ?? '';
    draft.who_may_write = now.who_may_write ?? 'anyone';
    draft.fields = fieldsOf(now);
  }

  const load = () => action.run(async () => take(await api.me()));

  async function save(): Promise<void> {
    hasChangedElsewhere.value = false;
    const named = draft.fields.filter(({ name }) => name.trim() !== '');
    const change = {
      name: draft.name.trim(),
      about: draft.about.trim(),
      who_may_write: draft.who_may_write,
      fields: Object.fromEntries(named.map(({ name, value }) => [name.trim(), value.trim()])),
      field_visibility: Object.fromEntries(named.map(({ name, visibility }) => [name.trim(), visibility])),
    };
    const done = await action.run(async () => {
      try {
        take(await api.changeMe(change, me.value?.version ?? 0));
      } catch (problem) {
        if (!(problem instanceof Problem) || problem.code !== 'version_changed') throw problem;
        take(await api.me());
        hasChangedElsewhere.value = true;
      }
    });
    if (done && !hasChangedElsewhere.value) say('Profile saved');
  }

  return {
    ...action,
    me,
    draft,
    hasChangedElsewhere,
    isChanged: computed(() => me.value !== null && JSON.stringify(draftOf(me.value)) !== JSON.stringify(draft)),
    mayAddField: computed(() => draft.fields.length < (client.config.limits?.profile_fields ?? 0)),
    addField: () => draft.fields.push({ name: '', value: '', visibility: 'everyone' }),
    removeField: (index: number) => draft.fields.splice(index, 1),
    load,
    save,
  };
}

const fieldsOf = (me: Me): Field[] =>
  Object.entries(me.fields ?? {}).map(([name, value]) => ({ name, value, visibility: me.field_visibility?.[name] ?? 'everyone' }));

const draftOf = (me: Me) => ({ name: me.name, about: me.about ?? '', who_may_write: me.who_may_write ?? 'anyone', fields: fieldsOf(me) });
