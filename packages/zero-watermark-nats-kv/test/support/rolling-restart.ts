import type { NatsCluster, NatsServer } from '../../src/testing.js';

/**
 * Restarts one node after the other. A node of 2.10.27 may fall silent for good while it makes its routes to one that is
 * back, which is not what is tested: it is killed then, and started again.
 */
export async function restartInTurn(cluster: NatsCluster): Promise<void> {
    for (const node of cluster.nodes) {
        await node.restart();
        try {
            await cluster.waitUntilReady(20_000);
        } catch {
            const answers = await Promise.all(cluster.nodes.map(isAlive));
            const silent = cluster.nodes.filter((_, index) => answers[index] === false);
            await Promise.all(silent.map(each => each.kill('SIGKILL')));
            await Promise.all(silent.map(each => each.restart()));
            await cluster.waitUntilReady(60_000);
        }
    }
}

function isAlive({ monitorUrl }: NatsServer): Promise<boolean> {
    return fetch(`${monitorUrl}/healthz`, { signal: AbortSignal.timeout(5_000) }).then(
        () => true,
        () => false
    );
}
