import { readFileSync } from 'node:fs';

import { credsAuthenticator, type NodeConnectionOptions, type TlsOptions } from '@nats-io/transport-node';

import { DEFAULT_HOST, DEFAULT_PORT } from './change-source.options.js';
import { INTAKE } from './connection/intake.js';
import { InvalidSchemaError, parseSchema, type SchemaSource } from './schema/parse-schema.js';

/** What the process is started with. */
export interface Config {
    readonly servers: readonly string[];
    readonly user: string | undefined;
    readonly pass: string | undefined;
    readonly token: string | undefined;
    /** Path of a NATS credentials file. */
    readonly credentials: string | undefined;
    /** Paths of the authority's certificate, and of the client's certificate and key. */
    readonly tls: Pick<TlsOptions, 'caFile' | 'certFile' | 'keyFile'>;
    /** Where watermarks and resume tokens are kept. */
    readonly watermarkBucket: string;
    /** Path of an SQLite file, in which they are kept instead. */
    readonly watermarkDatabase: string | undefined;
    readonly replicas: number;
    /** How long resume tokens are kept, see the options of the stores; `undefined`: as long as the store does by itself. */
    readonly retainTokens: number | undefined;
    readonly retainMs: number | undefined;
    readonly rowsBucket: string;
    readonly schema: SchemaSource;
    readonly host: string;
    readonly port: number;
    readonly secret: string | undefined;
    /** See `ChangeSourceOptions.idleMs`. */
    readonly idleMs: number | undefined;
}

/** The settings can't be used; the message lists every problem, and no secret. */
export class InvalidConfigError extends Error {
    override readonly name = 'InvalidConfigError';

    constructor(problems: readonly string[]) {
        super(`The change source is configured wrongly:\n${problems.map(problem => `- ${problem}`).join('\n')}`);
    }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings from environment variables; an empty variable is as good as none.
 *
 * @throws {InvalidConfigError} with every problem
 */
export function configFromEnvironment(
    environment: Environment,
    readText: (path: string) => string = path => readFileSync(path, 'utf8')
): Config {
    const problems: string[] = [];
    const get = (name: string) => environment[name]?.trim() || undefined;
    const number = (name: string, otherwise: number, most: number) => {
        const text = get(name) ?? String(otherwise);
        if (!/^\d{1,9}$/.test(text) || Number(text) > most) {
            problems.push(`${name}: expected a whole number from 0 to ${most}`);
        }
        return Number(text);
    };
    const optionalNumber = (name: string, most: number) =>
        get(name) === undefined ? undefined : number(name, 0, most);
    const config: Config = {
        servers: readServers(get('NATS_SERVERS') ?? 'nats://127.0.0.1:4222', problems),
        user: get('NATS_USER'),
        pass: get('NATS_PASSWORD'),
        token: get('NATS_TOKEN'),
        credentials: get('NATS_CREDENTIALS'),
        tls: tlsFiles({
            caFile: get('NATS_CA_FILE'),
            certFile: get('NATS_CERT_FILE'),
            keyFile: get('NATS_KEY_FILE')
        }),
        watermarkBucket: get('NATS_BUCKET') ?? 'zero-watermarks',
        watermarkDatabase: get('WATERMARKS_DATABASE'),
        replicas: number('NATS_REPLICAS', 1, 5),
        retainTokens: optionalNumber('RETAIN_TOKENS', 999_999_999),
        retainMs: optionalNumber('RETAIN_MS', 999_999_999),
        rowsBucket: get('ROWS_BUCKET') ?? 'rows',
        schema: readSchema(get('ROWS_SCHEMA'), readText, problems),
        host: get('HOST') ?? DEFAULT_HOST,
        port: number('PORT', DEFAULT_PORT, 65_535),
        secret: get('CHANGE_SOURCE_SECRET'),
        idleMs: number('IDLE_MS', INTAKE.idleMs, 86_400_000)
    };
    if (problems.length > 0) {
        throw new InvalidConfigError(problems);
    }
    return config;
}

/**
 * The TLS options for both connections; `undefined`: the servers decide. With options, even empty ones, the client refuses
 * a server that offers no TLS; `tls://` alone means nothing to it.
 */
export function tlsOptions({ servers, tls }: Pick<Config, 'servers' | 'tls'>): TlsOptions | undefined {
    return Object.keys(tls).length > 0 || servers.some(server => /^tls:/i.test(server)) ? tls : undefined;
}

/** How the source of the rows connects; the store of watermarks makes a connection of its own. */
export function rowsConnection(config: Config): NodeConnectionOptions {
    const { servers, user, pass, token, credentials } = config;
    const tls = tlsOptions(config);
    return {
        servers: [...servers],
        ...(user === undefined ? {} : { user }),
        ...(pass === undefined ? {} : { pass }),
        ...(token === undefined ? {} : { token }),
        ...(tls === undefined ? {} : { tls }),
        ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(() => readFileSync(credentials)) })
    };
}

/** A malformed address may hold a password where nobody expects it, so none is repeated. */
function readServers(list: string, problems: string[]): string[] {
    const servers = list.split(',').map(server => server.trim());
    const isAddress = (server: string) => /^((nats|tls):\/\/)?(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?\/?$/i.test(server);
    for (const [index, server] of servers.entries()) {
        if (!isAddress(server)) {
            problems.push(
                `NATS_SERVERS: address ${index + 1} is not of the form "nats://host:port" or "tls://host:port"; ` +
                    'credentials go into NATS_USER and NATS_PASSWORD, NATS_TOKEN or NATS_CREDENTIALS'
            );
        }
    }
    return servers;
}

function tlsFiles(files: { readonly [Name in keyof Config['tls']]: string | undefined }): Config['tls'] {
    return Object.fromEntries(Object.entries(files).filter(([, path]) => path !== undefined));
}

function readSchema(path: string | undefined, readText: (path: string) => string, problems: string[]): SchemaSource {
    const none: SchemaSource = { tables: {} };
    if (path === undefined) {
        problems.push('ROWS_SCHEMA: expected the path of a JSON file with the tables');
        return none;
    }
    try {
        const source: unknown = JSON.parse(readText(path));
        parseSchema(source);
        return source as SchemaSource;
    } catch (error) {
        const reasons = error instanceof InvalidSchemaError ? error.problems : [String((error as Error).message)];
        problems.push(...reasons.map(reason => `ROWS_SCHEMA (${path}): ${reason}`));
        return none;
    }
}
