// Every answer of an API that a test gets is held against the OpenAPI document, whatever the test is about.
import { Contract } from './contract.js';

const PROBLEM = '#/components/responses/Other/content/application~1problem+json/schema';

let contract = null;
let shapes = null; // [RegExp of a path, its operations by method]

function read() {
  contract = Contract.read();
  const byPath = new Map();
  for (const operation of contract.operations) {
    if (!byPath.has(operation.address)) byPath.set(operation.address, new Map());
    byPath.get(operation.address).set(operation.method, operation);
  }
  const literal = (part) => part.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  const pattern = (address) => new RegExp(`^${address.split('/').map((part) => (part[0] === '{' ? '[^/]*' : literal(part))).join('/')}$`);
  /* What is spelt out wins over what has a name. */
  shapes = [...byPath].sort(([a], [b]) => a.split('{').length - b.split('{').length).map(([address, methods]) => [pattern(address), methods]);
}

/** The same of what a socket RPC answered: it is the body of one of the operation's 2xx answers. */
export function brokenRpc(rpc, data) {
  if (contract === null) read();
  const operation = contract.operations.find(({ value }) => value['x-rpc'] === rpc);
  if (operation === undefined) return null;
  const described = Object.entries(operation.value.responses).filter(([status, { content }]) => status[0] === '2' && content).map(([status]) => status);
  const complaints = described.map((status) => contract.complaint(`${operation.response(status).pointer}/content/application~1json/schema`, data));
  return complaints.includes(null) ? null : complaints.join('; ');
}

/** Why `answer` to `method` and `path` is not what the document says; null when it is, or when it says nothing of such an address. */
export function brokenPromise(method, path, answer) {
  if (!path.startsWith('/v1/') || method === 'OPTIONS') return null;
  if (contract === null) read();
  const address = path.split('?')[0];
  const operation = shapes.find(([pattern, methods]) => pattern.test(address) && methods.has(method === 'HEAD' ? 'GET' : method))?.[1].get(method === 'HEAD' ? 'GET' : method);
  if (method === 'HEAD') return answer.text === '' ? null : 'a body to HEAD';
  if (operation === undefined) return answer.status >= 400 ? contract.complaint(PROBLEM, answer.body) : `${answer.status} where nothing is described`;
  const { responses } = operation.value;
  if (answer.status < 400 && !responses[answer.status]) return `status ${answer.status} is not described`;
  return operation.complaint(answer);
}
