import { versionFromLexi } from '@cbnsndwch/zero-contracts';

import { networkOf, progressOf } from './layout.js';
import { readLedgers } from './ledger.js';
import type { Stage } from './stage.js';
import { type FinalWatermark, type Verdict, verify } from './verify.js';

/**
 * Collects what there is to know when the instances have ended, and compares it with the input.
 *
 * @param expected the events of each network, in order
 * @param sequences where the last event of each network is in the stream
 */
export async function judge(
    { backdrop, directory }: Stage,
    expected: ReadonlyMap<string, readonly string[]>,
    sequences: ReadonlyMap<string, number>
): Promise<Verdict> {
    const stored = await backdrop.watermarks.getAll();
    const final = [...stored.values()].map((watermark): [string, FinalWatermark] => {
        const network = networkOf(watermark.key);
        const expectedSequence = BigInt(sequences.get(network) ?? 0);
        return [
            network,
            { progress: progressOf(watermark), sequence: versionFromLexi(watermark.version), expectedSequence }
        ];
    });
    const verdict = verify(expected, await readLedgers(directory), new Map(final));
    const inStream = await backdrop.stream.count();
    return inStream === verdict.events
        ? verdict
        : { ...verdict, problems: [...verdict.problems, `The stream holds ${inStream} events of ${verdict.events}.`] };
}
