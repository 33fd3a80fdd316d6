import { begin, commit, dataOf, schemaMessages } from '../protocol/messages.js';
import type { StreamContext } from './context.js';
import { newGeneration, resumeTokenOf } from './resume-token.js';

/**
 * Sends all tables and rows in one transaction; its watermark becomes the `replicaVersion`.
 *
 * zero-cache then closes the connection and comes back to go on from the position at which the snapshot was begun, so
 * nothing is sent after it.
 *
 * @returns the number of rows and the watermark
 */
export async function sendInitialSync(
    context: StreamContext
): Promise<{ readonly rows: number; readonly watermark: string }> {
    const { source, resumeTokens, request, shardId, tables, fingerprint, outbox, signal } = context;
    const { position, changes } = await source.snapshot(signal);
    const resumeToken = resumeTokenOf({ generation: newGeneration(fingerprint), position });
    const watermark = await resumeTokens.beginSync(shardId, resumeToken);
    await outbox.send(begin(watermark));
    for (const message of schemaMessages(tables, request.appId, request.shardNum)) {
        await outbox.send(message);
    }
    let rows = 0;
    for await (const change of changes) {
        const message = dataOf(tables, change);
        if (message !== undefined) {
            await outbox.send(message);
            rows += change.kind === 'delete' ? 0 : 1;
        }
    }
    // A source that ends early because the connection is gone has not given all rows.
    signal.throwIfAborted();
    await outbox.send(commit(watermark));
    return { rows, watermark };
}
