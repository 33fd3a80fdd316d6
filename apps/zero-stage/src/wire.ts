import type { RecordedConnection } from './failover-proxy.js';

/** What went over the wire between the change sources and zero-cache. */
export interface WireReport {
    readonly connections: number;
    /** How many transactions zero-cache has acknowledged. */
    readonly transactions: number;
    /** The watermarks of the first and of the last of them; empty when there were none. */
    readonly first: string;
    readonly last: string;
    /** Which promises were broken, one sentence each. */
    readonly problems: readonly string[];
}

/**
 * Looks at what went over the wire: on each connection watermarks grow, from above what zero-cache said it has; none that
 * was acknowledged is ever sent again; `begin` and `commit` agree; there is no reset.
 */
export function inspectWire(connections: readonly RecordedConnection[]): WireReport {
    const problems: string[] = [];
    const acknowledged = new Set<string>();
    let highest = '';
    for (const [index, { parameters, received, acknowledged: newly }] of connections.entries()) {
        const tell = (problem: string) => problems.push(`connection ${index + 1}: ${problem}`);
        let last = parameters.get('lastWatermark') ?? '';
        let open: string | undefined;
        for (const message of received) {
            if (message[0] === 'begin') {
                const { commitWatermark } = message[2];
                if (commitWatermark <= last) {
                    tell(`${commitWatermark} after ${last}`);
                }
                if (acknowledged.has(commitWatermark)) {
                    tell(`${commitWatermark} again, although it was committed`);
                }
                open = last = commitWatermark;
            } else if (message[0] === 'commit') {
                if (message[2].watermark !== open) {
                    tell(`begin ${open}, commit ${message[2].watermark}`);
                }
                open = undefined;
            } else if (message[0] === 'control') {
                tell(`a reset: ${message[1].message}`);
            }
        }
        for (const watermark of newly) {
            if (watermark <= highest) {
                tell(`${watermark} was committed after ${highest}`);
            }
            highest = watermark;
            acknowledged.add(watermark);
        }
    }
    const [first = ''] = acknowledged;
    return { connections: connections.length, transactions: acknowledged.size, first, last: highest, problems };
}
