import { readonly, ref, shallowRef } from 'vue';
import { Api, Client, Problem, SignedOut, Tokens, backoffMs, isTemporary, sleep } from '../sync';
import type { User } from '../sync';
import { deviceName } from './device';

type State = 'starting' | 'signed-out' | 'signed-in';

/* One session per page: everything below exists once. */
let api = newApi();
const state = ref<State>('starting');
const unreachable = ref(false); /* while starting: nobody answers, still trying */
const notice = ref(''); /* why the sign-in form is shown, when that needs saying */
const client = shallowRef<Client | null>(null);

/** One per session, so that nothing of one person goes on under the name of the next. */
function newApi(): Api {
  const tokens = new Tokens();
  tokens.ended.on(() => {
    if (state.value === 'signed-in') leave('Your session has ended. Sign in again.');
  });
  return new Api(tokens);
}

/** Goes on with the session of the cookie, if there is one. */
async function resume(): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await api.tokens.renew('');
      return await enter(await api.me());
    } catch (error) {
      /* Nothing is lost by showing the form when the server will not have us, whatever its reason. */
      if (error instanceof SignedOut || !isTemporary(error)) return leave('');
      unreachable.value = attempt > 0;
      await sleep(backoffMs(attempt));
    }
  }
}

async function enter(me: User): Promise<void> {
  const config = await api.config();
  client.value = new Client(api, me, config);
  client.value.start();
  notice.value = '';
  unreachable.value = false;
  state.value = 'signed-in';
}

function leave(why: string): void {
  client.value?.stop();
  client.value = null;
  api.tokens.close();
  api = newApi();
  notice.value = why;
  unreachable.value = false;
  state.value = 'signed-out';
}

async function logIn(login: string, password: string): Promise<void> {
  await enter(await api.logIn(login, password, deviceName(navigator.userAgent)));
}

async function register(login: string, password: string, name: string): Promise<void> {
  await enter(await api.register(login, password, name, deviceName(navigator.userAgent)));
}

/** The cookie is the server's to delete: without its answer one is not signed out. */
async function signOut(): Promise<void> {
  try {
    await api.logOut();
  } catch (error) {
    if (!(error instanceof SignedOut) && !(error instanceof Problem && error.status === 401)) throw error;
  }
  leave('');
}

export function useSession() {
  return {
    api,
    client,
    state: readonly(state),
    unreachable: readonly(unreachable),
    notice: readonly(notice),
    resume,
    logIn,
    register,
    signOut,
  };
}

/** For components that exist only while somebody is signed in. */
export function useClient(): Client {
  if (client.value === null) throw new Error('nobody is signed in');
  return client.value;
}
