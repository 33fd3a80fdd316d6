import type { NatsServer } from '../../src/testing.js';

/** A connection as the server knows it. */
export interface MonitoredConnection {
    readonly name: string;
    readonly subscriptions: readonly string[];
}

/** The connections that a server has, by its own account. */
export async function connectionsOf(server: NatsServer): Promise<readonly MonitoredConnection[]> {
    const response = await fetch(`${server.monitorUrl}/connz?subs=1`);
    const { connections } = (await response.json()) as {
        connections: { name?: string; subscriptions_list?: string[] }[];
    };
    return connections.map(({ name = '', subscriptions_list: subscriptions = [] }) => ({ name, subscriptions }));
}

/** How many messages a server has got so far. */
export async function receivedBy(server: NatsServer): Promise<number> {
    const response = await fetch(`${server.monitorUrl}/varz`);
    return ((await response.json()) as { in_msgs: number }).in_msgs;
}
