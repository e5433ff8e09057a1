import fs from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { ROOT } from './folders.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The API's OpenAPI document: its operations, and schemas that values are held against. */
export class Contract {
  static read() {
    return new Contract(JSON.parse(fs.readFileSync(path.join(ROOT, 'api', 'handlers', 'openapi.json'), 'utf8')));
  }

  constructor(document) {
    this.document = document;
    this.ajv = new Ajv({ allErrors: true, strict: false });
    addFormats(this.ajv);
    this.ajv.addSchema(sealed(document), 'api');
    this.operations = Object.entries(document.paths).flatMap(([address, methods]) =>
      METHODS.filter((method) => methods[method]).map((method) => new Operation(this, address, method, methods[method])));
  }

  /** What is at `pointer` ("#/components/…"), references followed; answers {pointer, value}. */
  at(pointer) {
    const parts = pointer.slice(2).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const value = parts.reduce((node, part) => node?.[part], this.document);
    return value?.$ref ? this.at(value.$ref) : { pointer, value };
  }

  /** Why `value` is not what the schema at `pointer` says; null when it is. */
  complaint(pointer, value) {
    const check = this.ajv.getSchema(`api${pointer}`) ?? this.ajv.compile({ $ref: `api${pointer}` });
    return check(value) ? null : `${this.ajv.errorsText(check.errors)}: ${JSON.stringify(value)}`;
  }
}

/** One method of one path. */
export class Operation {
  constructor(contract, address, method, value) {
    Object.assign(this, { contract, address, method: method.toUpperCase(), value });
    this.name = `${this.method} ${address}`;
    this.id = value.operationId;
    this.pointer = `#/paths/${address.replaceAll('/', '~1')}/${method}`;
    this.isPublic = value.security?.length === 0;
    this.parameters = (value.parameters ?? []).map((_, i) => contract.at(`${this.pointer}/parameters/${i}`));
    this.body = contract.at(`${this.pointer}/requestBody`).value?.content['application/json'];
  }

  parametersIn(place) {
    return this.parameters.map(({ value }) => value).filter((parameter) => parameter.in === place);
  }

  /** The schema of the request's body, with its references followed; undefined when it has none. */
  get bodySchema() {
    return this.body && this.contract.at(`${this.pointer}/requestBody/content/application~1json/schema`).value;
  }

  /** The schema of one member of it. */
  bodyMember(name) {
    const { pointer } = this.contract.at(`${this.pointer}/requestBody/content/application~1json/schema`);
    return this.contract.at(`${pointer}/properties/${name}`).value;
  }

  /** What the document says of answers with this status; {pointer, value}. */
  response(status) {
    const key = this.value.responses[status] ? status : 'default';
    return this.contract.at(`${this.pointer}/responses/${key}`);
  }

  /** Why an answer is not as described; null when it is. */
  complaint({ status, headers, body, text }) {
    const { pointer, value } = this.response(status);
    if (!value.content) return text === '' ? null : `a body where none is described: ${text}`;
    const type = headers['content-type'];
    if (!value.content[type]) return `content type ${type} is not described`;
    return this.contract.complaint(`${pointer}/content/${type.replaceAll('/', '~1')}/schema`, body);
  }
}

/** A copy in which answers must not have members that are not described: clients pass over those, tests do not. */
function sealed(node) {
  if (Array.isArray(node)) return node.map(sealed);
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, sealed(value)]));
  const isObject = node.type === 'object' && typeof node.properties === 'object';
  return isObject && node.additionalProperties === undefined ? { ...copy, additionalProperties: false } : copy;
}
