// @ts-check
import { decimal, spread, table } from '../shared/markdown.mjs';

/** @typedef {ReturnType<typeof import('../shared/machine.mjs').machineFacts>} MachineFacts */
/** @typedef {import('./against-raw.mjs').AgainstRaw} AgainstRaw */
/** @typedef {import('./million-tokens.mjs').ManyTokens} ManyTokens */
/** @typedef {import('./side-by-side.mjs').CaseResult} CaseResult */
/**
 * @typedef {{ machine: MachineFacts & { loadAfter: number }, settings: object, againstRaw: AgainstRaw,
 *     manyTokens: ManyTokens, sideBySide: CaseResult[] }} Results
 */

/** What was set out to be reached. */
const TARGETS = { writeRatio: 0.8, readsASecond: 200_000, flatness: 1.1 };

/**
 * The results for people.
 *
 * @param {Results} results
 */
export function toMarkdown({ machine, settings, againstRaw, manyTokens, sideBySide }) {
    const { cores, processor, memoryGiB, platform, node, date, loadBefore, loadAfter } = machine;
    return [
        '# The stores side by side, and SQLite against its own statements',
        '',
        'Measured in one run of `npm run bench:stores`, in turn (A B A B). Everything shares one machine, so only the ratios',
        'mean something. Each figure is a median of all rounds, with the lowest and the highest in brackets; ratios are taken',
        'within each round.',
        '',
        `${cores} cores (${processor}), ${memoryGiB} GiB, ${platform}, Node ${node}, ${date}. Load of the machine in the ` +
            `minute before: ${loadBefore}, in the last minute: ${loadAfter}. Settings: \`${JSON.stringify(settings)}\`.`,
        '',
        ...rawLines(againstRaw),
        ...tokenLines(manyTokens),
        ...sideBySide.flatMap(caseLines)
    ].join('\n');
}

/** @param {AgainstRaw} results */
function rawLines({ writes, reads }) {
    return [
        '## The store on SQLite against prepared statements',
        '',
        'Raw: a loop of prepared statements on the same tables that does the same transactions, so many writes in each as',
        'callers wait for the store, and nothing else; with `synchronous=FULL`, as the store.',
        '',
        ...table(
            ['`set`, keys of their own', 'Raw, a second', 'Store, a second', 'Ratio', 'At least', ''],
            writes.map(({ callers, existing, ours, ratio }) => [
                callers === 1 ? 'one caller' : `${callers} callers`,
                spread(existing, 0),
                spread(ours, 0),
                spread(ratio, 2),
                decimal(TARGETS.writeRatio, 2),
                verdict(ratio.median >= TARGETS.writeRatio)
            ])
        ),
        '',
        'The store remembers what it has read, and looks each time whether another process has written. `get` waits for',
        'nothing, so a second of processor time is what a second is on a machine that does nothing else.',
        '',
        ...table(
            ['`get`', 'Raw, a second', 'Store, a second', 'Store, a second of processor time', 'At least', ''],
            reads.map(({ keys, existing, ours, aProcessorSecond, isMeasure }) => [
                `of ${decimal(keys, 0)} keys`,
                spread(existing, 0),
                spread(ours, 0),
                spread(aProcessorSecond, 0),
                isMeasure ? decimal(TARGETS.readsASecond, 0) : '',
                isMeasure ? verdict(aProcessorSecond.median >= TARGETS.readsASecond) : ''
            ])
        ),
        ''
    ];
}

/** @param {ManyTokens} results */
function tokenLines({ steps, flatness, resumeMs }) {
    const { tokens = NaN, fileBytes = NaN } = steps.at(-1) ?? {};
    return [
        '## A million resume tokens in a file',
        '',
        '`getOrCreateWatermarks` with a thousand tokens of a change stream a call, on SQLite with `synchronous=FULL`.',
        '',
        ...table(
            [
                'Tokens so far',
                'Seconds for these',
                'Tokens a second',
                'µs of processor time each',
                'File, MB',
                'Log, MB'
            ],
            steps.map(({ tokens: soFar, elapsedMs, processorMs, fileBytes: file, logBytes }) => [
                decimal(soFar, 0),
                decimal(elapsedMs / 1_000, 2),
                decimal((tokens / steps.length / elapsedMs) * 1_000, 0),
                decimal((processorMs * 1_000) / (tokens / steps.length), 1),
                decimal(file / 1e6, 0),
                decimal(logBytes / 1e6, 1)
            ])
        ),
        '',
        `Processor time of the last three tenths against the first three: ${decimal(flatness, 2)} (at most ` +
            `${decimal(TARGETS.flatness, 2)}: ${verdict(flatness <= TARGETS.flatness)}). ` +
            `${decimal(fileBytes / tokens, 0)} bytes a token. A \`resume\` from among all of them: ${decimal(resumeMs, 3)} ms.`,
        ''
    ];
}

/** @param {CaseResult} result */
function caseLines({ name, places }) {
    const replicated = places.at(-1)?.aSecond.median ?? NaN;
    return [
        `## ${name}`,
        '',
        ...table(
            ['', 'A second', 'Against R3', 'p50, ms', 'p95, ms', 'p99, ms'],
            places.map(({ label, aSecond, latencies }) => [
                label,
                spread(aSecond, 0),
                `${decimal(aSecond.median / replicated, 1)} times`,
                ...(latencies === undefined
                    ? []
                    : [latencies.p50, latencies.p95, latencies.p99].map(ms => decimal(ms, 3)))
            ])
        ),
        ''
    ];
}

/** @param {boolean} isReached */
function verdict(isReached) {
    return isReached ? 'reached' : 'missed';
}
