import type { JetStreamTestOptions } from './types.js';

/** The part of a server's configuration that goes into its file; what must not be overridden goes onto its command line. */
export interface ServerConfig {
    readonly jetstream: boolean;
    readonly jetstreamOptions: JetStreamTestOptions;
    readonly cluster: ClusterConfig | undefined;
    /** File name, beside the configuration, of the caller's own text; `undefined` if there is none. */
    readonly include: string | undefined;
}

/**
 * How many connections two nodes share out their accounts to; the server's own default. Said in the configuration, so
 * that it is known when all are there: an account whose connection is missing is cut off from the other node.
 */
export const ROUTES_BETWEEN_NODES = 3;

/** How a node finds the others. */
export interface ClusterConfig {
    readonly name: string;
    readonly port: number;
    /** The route ports of all nodes; a server leaves itself out. */
    readonly routePorts: readonly number[];
}

/**
 * Writes a configuration file in NATS's format. The caller's text stands in a file of its own, so that line numbers in
 * the server's messages are those of that text. It comes after `jetstream`, which it may replace, and before `cluster`,
 * which it may not: of two blocks of one name the server takes the last.
 */
export function renderServerConfig(config: ServerConfig): string {
    const lines: string[] = [];
    if (config.jetstream) {
        lines.push('jetstream: {', ...jetstreamLines(config.jetstreamOptions), '}');
    }
    if (config.include !== undefined) {
        lines.push(`include ${quote(config.include)}`);
    }
    if (config.cluster) {
        const { name, port, routePorts } = config.cluster;
        lines.push(
            'cluster: {',
            `    name: ${quote(name)}`,
            `    listen: "127.0.0.1:${port}"`,
            `    pool_size: ${ROUTES_BETWEEN_NODES}`,
            `    routes: [${routePorts.map(route => `"nats://127.0.0.1:${route}"`).join(', ')}]`,
            '}'
        );
    }
    return `${lines.join('\n')}\n`;
}

function jetstreamLines(options: JetStreamTestOptions): string[] {
    const lines: string[] = [];
    if (options.maxFileStoreBytes !== undefined) {
        lines.push(`    max_file_store: ${wholeNumber('maxFileStoreBytes', options.maxFileStoreBytes)}`);
    }
    if (options.maxMemoryStoreBytes !== undefined) {
        lines.push(`    max_memory_store: ${wholeNumber('maxMemoryStoreBytes', options.maxMemoryStoreBytes)}`);
    }
    if (options.syncInterval === 'always') {
        lines.push('    sync_interval: always');
    } else if (options.syncInterval !== undefined) {
        lines.push(`    sync_interval: "${wholeNumber('syncInterval', options.syncInterval)}ms"`);
    }
    return lines;
}

function wholeNumber(option: string, value: number): number {
    if (!Number.isSafeInteger(value) || value < 1) {
        throw new TypeError(`jetstreamOptions.${option} must be a whole number above 0, got ${String(value)}`);
    }
    return value;
}

/** A string of NATS's configuration format; quoted, it is never taken for a number, a size or a variable. */
function quote(text: string): string {
    return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
