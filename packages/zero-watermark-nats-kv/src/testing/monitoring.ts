import { get } from 'node:http';
import { ROUTES_BETWEEN_NODES } from './server-config.js';

/** What one node's monitoring says about its place in the cluster. */
export interface NodeView {
    readonly healthy: boolean;
    /** Names of the nodes that it has all routes to. */
    readonly routedTo: readonly string[];
    /** The JetStream meta leader as this node sees it. */
    readonly metaLeader: string | undefined;
    /** How many nodes belong to JetStream, including those that are down. */
    readonly metaSize: number;
    /** Names of the other nodes that have all metadata; only the meta leader knows them. */
    readonly metaCurrent: readonly string[];
}

/** The parts of NATS's `/jsz` and `/routez` that are used here. */
interface MetaAnswer {
    readonly meta_cluster?: {
        readonly leader?: string;
        readonly cluster_size?: number;
        readonly replicas?: readonly { readonly name: string; readonly current: boolean; readonly offline?: boolean }[];
    };
}
interface RoutesAnswer {
    readonly routes?: readonly { readonly remote_name?: string; readonly account?: string }[] | null;
}

/** Asks one node for its view. Rejects when it does not answer within `timeoutMs`. */
export async function viewOf(monitorUrl: string, jetstream: boolean, timeoutMs: number): Promise<NodeView> {
    const ask = (path: string): Promise<Answer> => getAnswer(`${monitorUrl}${path}`, timeoutMs);
    // The health is asked for alone until it is good: 2.10.27 was seen to fall silent for good when it is asked for its
    // routes or its JetStream while it makes the routes. (It writes a warning for each question that it answers with no.)
    const healthy = (await ask('/healthz')).status === 200;
    const meta = healthy && jetstream ? (JSON.parse((await ask('/jsz')).body) as MetaAnswer).meta_cluster : undefined;
    const routes = healthy ? (JSON.parse((await ask('/routez')).body) as RoutesAnswer) : {};
    const current = (meta?.replicas ?? []).filter(replica => replica.current && !replica.offline);
    return {
        healthy,
        routedTo: fullyRouted(routes.routes ?? []),
        metaLeader: meta?.leader,
        metaSize: meta?.cluster_size ?? 0,
        metaCurrent: current.map(replica => replica.name)
    };
}

/** Names of the nodes to which all routes are there, not counting those for one account alone (the system's). */
export function fullyRouted(routes: NonNullable<RoutesAnswer['routes']>): string[] {
    const counts = new Map<string, number>();
    for (const { remote_name: name, account } of routes) {
        if (name !== undefined && !account) {
            counts.set(name, (counts.get(name) ?? 0) + 1);
        }
    }
    return [...counts].flatMap(([name, count]) => (count >= ROUTES_BETWEEN_NODES ? name : []));
}

/**
 * What is missing until nodes form a cluster that works, in words; `undefined` if nothing is.
 *
 * @param views the nodes that run, by name; `undefined` for one that does not answer
 * @param size how many nodes the cluster has, including those that are down
 */
export function missingInCluster(
    views: ReadonlyMap<string, NodeView | undefined>,
    size: number,
    jetstream: boolean
): string | undefined {
    const names = [...views.keys()];
    for (const [name, view] of views) {
        const problem = view ? missingOnNode(name, view, names, size, jetstream) : 'does not answer';
        if (problem !== undefined) {
            return `${name} ${problem}`;
        }
    }
    if (!jetstream) {
        return undefined;
    }
    const leaders = [...new Set([...views.values()].flatMap(view => view?.metaLeader ?? []))];
    const [leader] = leaders;
    if (leader === undefined || leaders.length > 1) {
        return `the nodes do not agree on a JetStream meta leader (${leaders.join(', ') || 'none'})`;
    }
    const behind = names.filter(name => name !== leader && !views.get(leader)?.metaCurrent.includes(name));
    return behind.length > 0 ? `${behind.join(', ')} has not caught up with the meta leader ${leader}` : undefined;
}

function missingOnNode(
    name: string,
    view: NodeView,
    names: readonly string[],
    size: number,
    jetstream: boolean
): string | undefined {
    const unrouted = names.filter(other => other !== name && !view.routedTo.includes(other));
    if (unrouted.length > 0) {
        return `does not have all routes to ${unrouted.join(', ')}`;
    }
    if (jetstream && view.metaLeader === undefined) {
        return 'knows no JetStream meta leader';
    }
    if (jetstream && !names.includes(view.metaLeader ?? '')) {
        return `still takes ${view.metaLeader}, which does not run, for the JetStream meta leader`;
    }
    if (jetstream && view.metaSize < size) {
        return `knows ${view.metaSize} of ${size} nodes`;
    }
    return view.healthy ? undefined : 'is not healthy yet (its /healthz says no)';
}

interface Answer {
    readonly status: number;
    readonly body: string;
}

function getAnswer(url: string, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
        const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, response => {
            let body = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => (body += chunk));
            response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
            response.on('error', reject);
        });
        request.on('error', reject);
    });
}
