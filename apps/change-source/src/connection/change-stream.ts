import { begin, commit, dataOf } from '../protocol/messages.js';
import type { UpstreamTransaction } from '../upstream/upstream-source.js';
import type { StreamContext } from './context.js';
import { type EncodedTransaction, Intake } from './intake.js';
import { type OutgoingTransaction, outgoingTransactions } from './outgoing.js';
import { type GenerationPosition, resumeTokenOf } from './resume-token.js';

/**
 * Sends what follows a position, for as long as the connection is there.
 *
 * One transaction is under way at a time. All that the upstream commits until zero-cache has stored it becomes the next
 * one: single changes go out at once, and many go out together. Each change of the upstream has a watermark of its own all
 * the same, and a transaction that of its last change: watermarks must not depend on what happened to go out together,
 * because another instance that takes over will put other changes together.
 */
export async function streamChanges(
    context: StreamContext,
    start: GenerationPosition,
    lastWatermark: string
): Promise<void> {
    const { source, resumeTokens, shardId, signal } = context;
    const { generation } = start;
    const head = (await resumeTokens.head(shardId)) ?? undefined;
    const inDoubt = head?.resumeToken.startsWith(`${generation}/`) === true ? head.watermark : '';
    const intake = new Intake(encoded(context, source.changesAfter(start.position, signal)), context.intake);
    const stop = () => intake.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
        let last = lastWatermark;
        for (let taken = await intake.take(); taken !== undefined; taken = await intake.take()) {
            if (taken.kind === 'idle') {
                last = await sendIdle(context, { generation, position: taken.position }, last);
                continue;
            }
            const tokens = taken.transactions.map(({ position }) => resumeTokenOf({ generation, position }));
            const watermarks = await resumeTokens.getOrCreateWatermarks(shardId, tokens);
            for (const transaction of outgoingTransactions(taken.transactions, watermarks, last, inDoubt)) {
                await send(context, transaction);
                last = transaction.watermark;
            }
        }
    } finally {
        signal.removeEventListener('abort', stop);
        stop();
    }
}

/**
 * Moves a zero-cache on whose upstream is quiet, with an empty transaction: `status` messages don't move it.
 *
 * Not while another instance has gone further: a token that is new now would have a watermark above those of changes that
 * come before it.
 */
async function sendIdle(context: StreamContext, position: GenerationPosition, last: string): Promise<string> {
    const { resumeTokens, shardId } = context;
    if ((await resumeTokens.head(shardId))?.watermark !== last) {
        return last;
    }
    const watermark = await resumeTokens.getOrCreateWatermark(shardId, resumeTokenOf(position));
    if (watermark > last) {
        await send(context, { watermark, messages: [] });
        return watermark;
    }
    return last;
}

async function send({ outbox, commits }: StreamContext, transaction: OutgoingTransaction): Promise<void> {
    await outbox.send(begin(transaction.watermark));
    for (const message of transaction.messages) {
        await outbox.sendText(message);
    }
    await outbox.send(commit(transaction.watermark));
    await commits.of(transaction.watermark);
}

async function* encoded(
    { tables }: StreamContext,
    transactions: AsyncIterable<UpstreamTransaction>
): AsyncGenerator<EncodedTransaction, void, undefined> {
    for await (const { position, changes } of transactions) {
        const messages = changes.map(change => dataOf(tables, change)).filter(message => message !== undefined);
        yield { position, messages: messages.map(message => JSON.stringify(message)) };
    }
}
