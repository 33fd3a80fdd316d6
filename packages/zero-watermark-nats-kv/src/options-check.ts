import {
    findOptionProblems,
    flagOption,
    functionOption,
    loggerOption,
    oneOf,
    type OptionChecks,
    showValue,
    wholeNumber
} from '@cbnsndwch/zero-contracts/backend';
import type { NatsConnection } from '@nats-io/transport-node';

import { SMALLEST_RECORD_BYTES } from './bucket-config.js';
import { findCredentialsProblem, findFileProblem, looksLikeContent } from './credentials.js';

/** The options that were given, and every problem of them, one sentence each. Values of secrets are never repeated. */
export function checkOptions(options: unknown): ReturnType<typeof findOptionProblems> {
    const { given, problems } = findOptionProblems(options, checks);
    return typeof options === 'object' && options !== null
        ? { given, problems: [...problems, ...findProblemsTogether(given)] }
        : { given, problems };
}

/** What is wrong with the options beside each other. */
function findProblemsTogether(given: ReadonlyMap<string, unknown>): string[] {
    const missing = 'bucket: is missing; expected the name of a KV bucket, for example "zero-watermarks"';
    const contradicting = 'strict: refuses the storage "memory", which is asked for; leave one of them out';
    const connection = given.get('connection');
    return [
        ...(given.has('bucket') ? [] : [missing]),
        ...(given.get('strict') === true && given.get('storage') === 'memory' ? [contradicting] : []),
        ...(isNatsConnection(connection)
            ? findProblemsBesideConnection(given)
            : findProblemsOfOwnConnection(given, connection))
    ];
}

/** Tells a connection of the application from options for one of ours. */
export function isNatsConnection(value: unknown): value is NatsConnection {
    return isFunction(property(value, 'request')) && isFunction(property(value, 'subscribe'));
}

function isFunction(value: unknown): boolean {
    return typeof value === 'function';
}

/** What can't be read is not there; the check of the option itself says so. */
function property(value: unknown, name: string): unknown {
    try {
        return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
    } catch {
        return undefined;
    }
}

function findProblemsBesideConnection(given: ReadonlyMap<string, unknown>): string[] {
    return OWN_CONNECTION_ONLY.filter(name => given.has(name)).map(
        name => `${name}: does not go with an existing connection, which has its own; leave it out`
    );
}

function findProblemsOfOwnConnection(given: ReadonlyMap<string, unknown>, connection: unknown): string[] {
    const problems: string[] = [];
    if (!given.has('servers')) {
        problems.push('servers: are missing; expected a list such as ["nats://localhost:4222"]');
    }
    const kinds = [
        given.has('credentials') && 'credentials',
        given.has('token') && 'token',
        (given.has('user') || given.has('pass')) && 'user/pass',
        property(connection, 'authenticator') !== undefined && 'connection.authenticator'
    ].filter(kind => kind !== false);
    if (kinds.length > 1) {
        problems.push(`${kinds.join(', ')}: exclude each other; expected one way to authenticate`);
    }
    if (given.has('pass') && !given.has('user')) {
        problems.push('pass: is there without user');
    }
    if (given.has('user') && !given.has('pass')) {
        problems.push('user: is there without pass');
    }
    return problems;
}

const OWN_CONNECTION_ONLY = ['servers', 'credentials', 'token', 'user', 'pass', 'tls', 'name'] as const;

/** Options of the client that have a place, and only one, beside `connection`. */
const NOT_IN_CONNECTION = new Set(['servers', 'port', 'token', 'user', 'pass', 'tls', 'name']);

const checks: OptionChecks = {
    servers: checkServers,
    bucket: checkBucket,
    credentials: value =>
        typeof value === 'string' && value !== '' ? findCredentialsProblem(value) : 'expected the path of a file',
    token: secretText,
    user: value => (typeof value === 'string' && value !== '' ? undefined : 'expected a non-empty string'),
    pass: secretText,
    tls: checkTls,
    name: value => (typeof value === 'string' && value !== '' ? undefined : 'expected a non-empty string'),
    bucketPolicy: oneOf('create', 'require'),
    replicas: wholeNumber(1, 5),
    history: wholeNumber(1, 64),
    storage: oneOf('file', 'memory'),
    maxValueSizeBytes: wholeNumber(SMALLEST_RECORD_BYTES, 2 ** 31 - 1),
    ttlMs: value => (value === 0 ? undefined : wholeNumber(100, Number.MAX_SAFE_INTEGER)(value)),
    placement: checkPlacement,
    strict: flagOption,
    readConsistency: oneOf('leader', 'any'),
    timeoutMs: wholeNumber(100, 2 ** 31 - 1),
    connectTimeoutMs: wholeNumber(100, 2 ** 31 - 1),
    retainTokens: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    retainMs: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    compareResumeTokens: functionOption,
    connection: checkConnection,
    logger: loggerOption
};

function checkBucket(value: unknown): string | undefined {
    if (typeof value === 'string' && /^[-\w]{1,200}$/.test(value)) {
        return undefined;
    }
    const odd = typeof value === 'string' ? /[^-\w]/u.exec(value)?.[0] : undefined;
    const where = odd === undefined ? '' : ` with ${JSON.stringify(odd)} in it`;
    return `expected 1 to 200 letters, digits, "-" or "_", got ${showValue(value)}${where}`;
}

function checkServers(value: unknown): string | undefined {
    if (!Array.isArray(value) || value.length === 0) {
        return 'expected a list of at least one server such as "nats://localhost:4222"';
    }
    const problems = value
        .map((server, index) => {
            const problem = findServerProblem(server);
            return problem === undefined ? undefined : `[${index}] ${problem}`;
        })
        .filter(problem => problem !== undefined);
    return problems.length === 0 ? undefined : problems.join('; ');
}

/**
 * Says what is wrong with an address without repeating it: a malformed one may hold a password where nobody expects
 * it. Which one of the list it is, the caller knows.
 */
function findServerProblem(server: unknown): string | undefined {
    const expected = 'expected "nats://host:port"';
    if (typeof server !== 'string' || server.trim() === '') {
        return `is ${typeof server === 'string' ? 'empty' : `a value of type ${typeof server}`}; ${expected}`;
    }
    if (looksLikeContent(server)) {
        return `seems to be a secret; ${expected}`;
    }
    if (server.includes('@')) {
        return 'holds credentials; put them into user and pass, token or credentials, not into the address';
    }
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(server)?.[1];
    if (scheme !== undefined && !/^(nats|tls)$/i.test(scheme)) {
        return 'has another scheme than nats:// and tls://';
    }
    try {
        const url = new URL(scheme === undefined ? `nats://${server}` : server);
        const extra = url.search !== '' || url.hash !== '' || (url.pathname !== '' && url.pathname !== '/');
        return url.hostname === '' || extra ? `has more or less than host and port; ${expected}` : undefined;
    } catch {
        return `is no address; ${expected}`;
    }
}

const TLS_FILES = ['caFile', 'certFile', 'keyFile'] as const;
const TLS_TEXTS = ['ca', 'cert', 'key'] as const;
/** Whatever else is in there would reach Node's TLS as it is, and could turn the verification off. */
const TLS_OPTIONS: ReadonlySet<string> = new Set([...TLS_FILES, ...TLS_TEXTS, 'handshakeFirst', 'rejectUnauthorized']);

function checkTls(value: unknown): string | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return 'expected an object such as { caFile: "./ca.pem" }';
    }
    const given: Readonly<Record<string, unknown>> = Object.fromEntries(
        Object.entries(value).filter(([, option]) => option !== undefined)
    );
    const isVerified = !('rejectUnauthorized' in given) || given['rejectUnauthorized'] === true;
    if (!isVerified || 'checkServerIdentity' in given) {
        return "certificates of servers are always verified; put the authority's certificate into caFile or ca";
    }
    const problems: (string | undefined)[] = Object.keys(given)
        .filter(name => !TLS_OPTIONS.has(name))
        .map(name => `${name}: is unknown; expected one of ${[...TLS_OPTIONS].join(', ')}`);
    for (const name of TLS_FILES.filter(file => given[file] !== undefined)) {
        const path = given[name];
        const problem = typeof path === 'string' ? findFileProblem(path) : 'expected the path of a file';
        problems.push(problem === undefined ? undefined : `${name}: ${problem}`);
    }
    for (const name of TLS_TEXTS.filter(text => given[text] !== undefined)) {
        const isPem = typeof given[name] === 'string' && given[name].includes('-----BEGIN');
        problems.push(isPem ? undefined : `${name}: expected the content of a PEM file; ${name}File takes its path`);
    }
    if (typeof (given['handshakeFirst'] ?? true) !== 'boolean') {
        problems.push('handshakeFirst: expected true or false');
    }
    const hasCertificate = given['certFile'] !== undefined || given['cert'] !== undefined;
    const hasKey = given['keyFile'] !== undefined || given['key'] !== undefined;
    if (hasCertificate !== hasKey) {
        problems.push('a client certificate (certFile or cert) and its key (keyFile or key) go together');
    }
    const found = problems.filter(problem => problem !== undefined);
    return found.length === 0 ? undefined : found.join('; ');
}

function checkPlacement(value: unknown): string | undefined {
    if (typeof value !== 'object' || value === null) {
        return 'expected an object such as { cluster: "east", tags: ["ssd"] }';
    }
    const { cluster, tags, ...others } = value as Record<string, unknown>;
    const rest = Object.keys(others);
    if (rest.length > 0) {
        return `has unknown properties: ${rest.join(', ')}`;
    }
    if (cluster !== undefined && typeof cluster !== 'string') {
        return 'cluster must be a string';
    }
    return tags === undefined || (Array.isArray(tags) && tags.every(tag => typeof tag === 'string'))
        ? undefined
        : 'tags must be a list of strings';
}

function checkConnection(value: unknown): string | undefined {
    if (isNatsConnection(value)) {
        return value.isClosed() ? 'the connection that was passed in is closed' : undefined;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return 'expected options of the NATS client, or a NatsConnection';
    }
    // With their values: one that can't be read is noticed here, and not where the options are copied.
    const misplaced = Object.keys({ ...value }).filter(name => NOT_IN_CONNECTION.has(name));
    if (misplaced.length > 0) {
        return `${misplaced.join(', ')} belong one level up, beside connection`;
    }
    const authenticator = property(value, 'authenticator');
    if (authenticator !== undefined && ![authenticator].flat().every(isFunction)) {
        return 'authenticator: expected a function, such as nkeyAuthenticator(seed) gives, or a list of them';
    }
    const prefix = 'inboxPrefix' in value ? value.inboxPrefix : undefined;
    return prefix === undefined || (typeof prefix === 'string' && /^[^\s*>.]+(\.[^\s*>.]+)*$/.test(prefix))
        ? undefined
        : `inboxPrefix: expected a subject without wildcards and spaces, got ${showValue(prefix)}`;
}

function secretText(value: unknown): string | undefined {
    return typeof value === 'string' && value !== '' ? undefined : 'expected a non-empty string';
}
