/** A refusal (RFC 9457 problem document), or, with status 0, no answer at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly retryAfterMs = 0,
    /** What is wrong with which field of the body, when it is one field's fault. */
    readonly fault: { field: string; detail: string } | null = null,
  ) {
    super(detail);
    this.name = 'Problem';
  }

  /** Asking again later may help: nobody answered, too many requests, or the server is in trouble. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** The session is over; the person has to sign in. */
export class SignedOut extends Error {
  constructor() {
    super('signed out');
    this.name = 'SignedOut';
  }
}

/** True when the same call may succeed later without anybody changing anything. */
export const isTemporary = (error: unknown): boolean => error instanceof Problem && error.isTemporary;

/** A sentence for people. */
export function explain(error: unknown): string {
  if (error instanceof SignedOut) return 'You are signed out.';
  if (!(error instanceof Problem)) return 'Something went wrong.';
  if (error.status === 0) return 'The server cannot be reached. Check your connection and try again.';
  if (error.status === 429) return 'That was a little fast. Wait a moment and try again.';
  if (error.status >= 500) return 'The server is in trouble at the moment. Try again shortly.';
  return error.message;
}

interface ProblemBody {
  code?: string;
  title?: string;
  detail?: string;
  errors?: { field?: string; detail?: string }[];
}

/** Reads the answer of a refused call; a body that is no problem document (a proxy's page) is no obstacle. */
export async function problemOf(answer: Response): Promise<Problem> {
  const body = (await answer.json().catch(() => ({}))) as ProblemBody;
  const first = body.errors?.[0];
  const fault = first?.detail !== undefined && first.field !== undefined ? { field: first.field, detail: first.detail } : null;
  const seconds = Number(answer.headers.get('retry-after'));
  const plain = body.detail ?? body.title ?? `The server answered ${answer.status}.`;
  const detail = fault ? `${fault.field}: ${fault.detail}` : plain;
  return new Problem(answer.status, body.code ?? '', detail, Number.isFinite(seconds) ? seconds * 1000 : 0, fault);
}
