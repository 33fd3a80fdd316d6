import { WatermarkErrorCode } from '../../errors.js';
import { versionFromLexi, versionToLexi } from '../../lexi-version.js';
import type { ResumePoint } from '../../resume-tokens.js';
import { equals, holds, matches, rejects } from '../expect.js';
import { given, promise, type Promised, type Topic } from '../promise.js';
import { named } from './calls.js';

const withInstances = given({ needs: ['instances'] });

/** The same number with another check: what a shard gives for another token at the same place, or a forger makes up. */
export function forged(watermark: string): string {
    return versionToLexi(versionFromLexi(watermark) ^ 1n);
}

/** What a shard gives tomorrow, if its numbers are those of the clock (`watermarkOf` of the entry `./backend`). */
const BEYOND_THE_CLOCK = versionToLexi(BigInt(Date.now() + 86_400_000) * 1_000n * 4_096n);

/** What is no watermark of a shard, whatever it has given. */
const STRANGE: Readonly<Record<string, string>> = {
    'no LexiVersion': 'not a watermark',
    'a LexiVersion with the wrong length': '5abc',
    'the first LexiVersion': '00',
    'a small one with a minor': '0a.01',
    'one beyond the clock': BEYOND_THE_CLOCK,
    'the largest LexiVersion': `z${'z'.repeat(36)}`
};

/** Sees a reset asked for, with a reason that people can read. */
export function expectReset(point: ResumePoint, reasons: readonly string[], what: string): void {
    holds(point.kind === 'reset-required', `${what} asks for a reset: ${JSON.stringify(point)}`);
    holds(reasons.includes(point.reason), `${what} gives the reason ${reasons.join(' or ')}: ${JSON.stringify(point)}`);
    holds(typeof point.message === 'string' && point.message.length > 20, `${what} has a message for people`);
}

function isUnknown([what, watermark]: [string, string]): Promised {
    return promise(`what was never given is unknown, and asking changes nothing: ${what}`, async scene => {
        const { resumeTokens, shard } = scene;
        const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 3));
        for (let round = 0; round < 2; round += 1) {
            expectReset(await resumeTokens.resume(shard(), watermark), ['unknown', 'pruned'], 'resume');
        }
        equals(
            await resumeTokens.resume(shard(), given[1]),
            { kind: 'resume', resumeToken: 't1' },
            'resume after that'
        );
        equals(await resumeTokens.head(shard()), { watermark: given[2], resumeToken: 't2' }, 'head after that');
    });
}

export const resuming: Topic = {
    service: 'ResumeTokenService',
    name: 'getResumeToken and resume',
    promises: [
        promise('a first connection begins with a sync', async ({ resumeTokens, shard }) => {
            equals(await resumeTokens.resume(shard(), undefined), { kind: 'initial-sync' }, 'resume in a new shard');
            await resumeTokens.getOrCreateWatermark(shard(), 'a');
            for (const nothing of [undefined, '']) {
                equals(
                    await resumeTokens.resume(shard(), nothing),
                    { kind: 'initial-sync' },
                    'resume in a shard in use'
                );
            }
        }),
        promise('every watermark leads back to its token, also the newest and the first', async scene => {
            const { resumeTokens, shard } = scene;
            const tokens = named('t', 5);
            const given = await resumeTokens.getOrCreateWatermarks(shard(), tokens);
            for (const [n, watermark] of given.entries()) {
                equals(await resumeTokens.getResumeToken(shard(), watermark), tokens[n], `the token of watermark ${n}`);
                const expected = { kind: 'resume', resumeToken: tokens[n] };
                equals(await resumeTokens.resume(shard(), watermark), expected, `resume from watermark ${n}`);
            }
        }),
        promise('of a major.minor watermark the major counts', async ({ resumeTokens, shard }) => {
            const watermark = await resumeTokens.getOrCreateWatermark(shard(), 'a');
            for (const minor of ['01', '110', '00']) {
                const full = `${watermark}.${minor}`;
                equals(await resumeTokens.getResumeToken(shard(), full), 'a', `the token of ${full}`);
                equals(
                    await resumeTokens.resume(shard(), full),
                    { kind: 'resume', resumeToken: 'a' },
                    `resume from ${full}`
                );
            }
        }),
        promise('getResumeToken refuses what is no LexiVersion', async ({ resumeTokens, shard }) => {
            await resumeTokens.getOrCreateWatermark(shard(), 'a');
            for (const bad of ['not a watermark', '', '1', '5abc', '0A', '.01', ' 00']) {
                const call = () => resumeTokens.getResumeToken(shard(), bad);
                await rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, `getResumeToken of ${JSON.stringify(bad)}`);
            }
        }),
        promise('getResumeToken knows nothing of what was never given', async ({ resumeTokens, shard }) => {
            const watermark = await resumeTokens.getOrCreateWatermark(shard(), 'a');
            const never = ['00', '0a.01', BEYOND_THE_CLOCK, forged(watermark)];
            for (const each of never) {
                equals(await resumeTokens.getResumeToken(shard(), each), undefined, `the token of ${each}`);
            }
        }),
        ...Object.entries(STRANGE).map(isUnknown),
        promise('a watermark of the same number for another token is unknown', async ({ resumeTokens, shard }) => {
            const given = await resumeTokens.getOrCreateWatermarks(shard(), named('t', 5));
            for (const watermark of given) {
                expectReset(
                    await resumeTokens.resume(shard(), forged(watermark)),
                    ['unknown'],
                    'resume from a forgery'
                );
            }
            equals(
                await resumeTokens.resume(shard(), given[4]),
                { kind: 'resume', resumeToken: 't4' },
                'resume after that'
            );
        }),
        promise('a watermark of another shard is not taken for one of its own', async ({ resumeTokens, shard }) => {
            const [one, two] = [shard('one'), shard('two')];
            const foreign = await resumeTokens.getOrCreateWatermarks(one, named('a', 8));
            await resumeTokens.getOrCreateWatermarks(two, named('b', 8));
            // In a shard that began earlier and gives fewer, they may look like what was lost; but none may resume.
            for (const watermark of foreign) {
                equals(await resumeTokens.getResumeToken(two, watermark), undefined, `the token of ${watermark}`);
            }
            const point = await resumeTokens.resume(two, foreign[0]);
            equals(point.kind, 'reset-required', 'what resume says');
        }),
        promise('asking does not store: a shard that was only asked is empty', async ({ resumeTokens, shard }) => {
            equals(await resumeTokens.getResumeToken(shard(), '00'), undefined, 'getResumeToken');
            expectReset(await resumeTokens.resume(shard(), '0a'), ['unknown', 'pruned'], 'resume');
            equals(await resumeTokens.head(shard()), null, 'head');
        }),
        withInstances('any instance answers', async ({ resumeTokens, shard, otherResumeTokens }) => {
            const other = await otherResumeTokens();
            const given = await resumeTokens.getOrCreateWatermarks(shard(), ['a', 'b']);
            equals(await other.resume(shard(), given[0]), { kind: 'resume', resumeToken: 'a' }, 'resume of the other');
            matches(
                await other.resume(shard(), forged(given[1] ?? '')),
                { reason: 'unknown' },
                'resume from a forgery'
            );
        })
    ]
};
