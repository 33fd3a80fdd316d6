import type { Watermark, WatermarkService } from '../../watermark.js';
import { WatermarkErrorCode } from '../../errors.js';
import { equals, holds, matches, rejects } from '../expect.js';
import { damages, entriesIn, exportOf, formsOf, linesOf, refusesLine, failingWith } from '../exports.js';
import { given, promise, type Promised, type Topic } from '../promise.js';

const alone = given({ alone: true });

/** What an export must keep of watermarks. */
function contentOf(watermarks: Iterable<Watermark>): Map<string, unknown> {
    return new Map(Array.from(watermarks, ({ key, version, data }) => [key, { version, data }]));
}

async function allOf(service: WatermarkService): Promise<Map<string, unknown>> {
    return contentOf((await service.getAll()).values());
}

/** An import of entries; `k` in a key stands for one that no other case uses. */
const importOf = (entries: readonly object[]) => exportOf('watermarks', entries as Record<string, unknown>[]);

function isRefused([what, change]: [string, object]): Promised {
    return promise(`a line is refused by its number, and nothing of its block is stored: ${what}`, async scene => {
        const { watermarks, key } = scene;
        const good = { key: key('good'), version: 'v1' };
        const text = await importOf([good, { key: key('bad'), version: 'v1', ...change }]);
        await refusesLine(3, () => watermarks.importWatermarks(text), what);
        equals(await watermarks.get(key('good')), null, 'what stands before it');
    });
}

export const movingWatermarks: Topic = {
    service: 'WatermarkService',
    name: 'exportWatermarks and importWatermarks',
    promises: [
        alone('an export has all watermarks with their data, and no deleted ones', async ({ watermarks }) => {
            await watermarks.set('orders', 'v1', { lastId: 'o-42', nested: [1, null, 'ü'] });
            await watermarks.set('', 'v2');
            await watermarks.set('ключ "🔑"\n', 'v3', {});
            await watermarks.set('gone', 'v4');
            await watermarks.delete('gone');
            const entries = entriesIn(await linesOf(watermarks.exportWatermarks()));
            equals(contentOf(entries as unknown as Watermark[]), await allOf(watermarks), 'the entries');
            equals(entries.length, 3, 'how many there are');
        }),
        alone('what was exported can be imported, and is then as it was', async ({ watermarks }) => {
            const pollution = JSON.parse('{"__proto__":{"a":1},"constructor":{}}') as Record<string, unknown>;
            const keys = ['', 'ü', '__proto__', ...Array.from({ length: 1_200 }, (_, n) => `k${n}`)];
            await Promise.all(
                keys.map(key => watermarks.set(key, `v ${key}`, key.endsWith('7') ? { key } : undefined))
            );
            await watermarks.set('__proto__', 'v', pollution);
            const before = await allOf(watermarks);
            const lines = await linesOf(watermarks.exportWatermarks());
            await watermarks.clear();
            const report = await watermarks.importWatermarks(lines);
            equals(
                report,
                { created: keys.length, replaced: 0, alreadyThere: 0, refused: 0, problems: [] },
                'the report'
            );
            equals(await allOf(watermarks), before, 'all watermarks');
        }),
        alone('an empty store has an export, too', async ({ watermarks }) => {
            const lines = await linesOf(watermarks.exportWatermarks());
            equals(entriesIn(lines), [], 'its entries');
            matches(await watermarks.importWatermarks(lines), { created: 0, refused: 0 }, 'the report');
        }),
        alone('an export has each key once, also one that is being written', async ({ watermarks }) => {
            const keys = Array.from({ length: 200 }, (_, n) => `k${n}`);
            await Promise.all(keys.map(key => watermarks.set(key, 'v')));
            let exporting = true;
            const writing = (async () => {
                for (let n = 0; exporting; n += 1) {
                    await Promise.all(keys.slice(0, 20).map(key => watermarks.set(key, `w${n}`)));
                    await new Promise(resolve => setTimeout(resolve));
                }
            })();
            const exported = await linesOf(watermarks.exportWatermarks()).finally(() => (exporting = false));
            await writing;
            equals(
                entriesIn(exported)
                    .map(({ key }) => String(key))
                    .toSorted(),
                keys.toSorted(),
                'the keys'
            );
        }),
        promise('it does not matter in which pieces an import comes', async ({ watermarks, key }) => {
            for (const [form, lines] of Object.entries(formsOf(await importOf([{ key: key('ü'), version: '→' }])))) {
                matches(await watermarks.importWatermarks(lines()), { refused: 0 }, `the report for ${form}`);
                equals((await watermarks.get(key('ü')))?.version, '→', `the version, from ${form}`);
                await watermarks.delete(key('ü'));
            }
        }),
        promise('an import that is run again changes nothing', async ({ watermarks, key }) => {
            const text = await importOf([1, 2, 3].map(n => ({ key: key(`${n}`), version: 'v1', data: { n, m: 1 } })));
            matches(await watermarks.importWatermarks(text), { created: 3 }, 'the first report');
            const before = await watermarks.get(key('2'));
            matches(await watermarks.importWatermarks(text), { created: 0, alreadyThere: 3 }, 'the second report');
            equals(await watermarks.get(key('2')), before, 'a watermark after it, with its revision');
            await watermarks.set(key('2'), 'v1', { m: 1, n: 2 });
            matches(await watermarks.importWatermarks(text), { alreadyThere: 3 }, 'data in another order');
        }),
        promise('a key that has something else is kept as it is, and reported by its line', async scene => {
            const { watermarks, key } = scene;
            await watermarks.set(key('version'), 'v2', { a: 1 });
            await watermarks.set(key('data'), 'v1', { a: 2 });
            const before = await watermarks.getMany(['version', 'data'].map(key));
            const entries = ['new', 'version', 'data'].map(name => ({ key: key(name), version: 'v1', data: { a: 1 } }));
            const report = await watermarks.importWatermarks(await importOf(entries));
            matches(report, { created: 1, replaced: 0, alreadyThere: 0, refused: 2 }, 'the report');
            equals(
                report.problems.map(({ line, key: of }) => ({ line, key: of })),
                [
                    { line: 3, key: key('version') },
                    { line: 4, key: key('data') }
                ],
                'the problems'
            );
            holds(
                report.problems.every(({ message }) => message.includes(key(''))),
                'each message names its key'
            );
            equals(await watermarks.getMany(['version', 'data'].map(key)), before, 'what was there');
        }),
        promise('a key that has something else is replaced when that is asked for', async ({ watermarks, key }) => {
            await watermarks.set(key('a'), 'v2', { old: true });
            await watermarks.set(key('b'), 'v1');
            const entries = ['a', 'b', 'c'].map(name => ({ key: key(name), version: 'v1' }));
            const report = await watermarks.importWatermarks(await importOf(entries), { onConflict: 'replace' });
            equals(report, { created: 1, replaced: 1, alreadyThere: 1, refused: 0, problems: [] }, 'the report');
            const found = await watermarks.get(key('a'));
            equals([found?.version, found?.data], ['v1', undefined], 'version and data');
        }),
        promise('another wish for conflicts is refused, and nothing is stored', async ({ watermarks, key }) => {
            const text = await importOf([{ key: key(), version: 'v1' }]);
            const call = () => watermarks.importWatermarks(text, { onConflict: 'merge' as 'keep' });
            await rejects(WatermarkErrorCode.INVALID_ARGUMENT, call, 'onConflict: merge');
            equals(await watermarks.get(key()), null, 'the watermark');
        }),
        given({ needs: ['storeForeignRecord'], own: {} })(
            'a record that this library did not write is left as it is, and reported',
            async ({ watermarks, key, space, capabilities }) => {
                await capabilities.storeForeignRecord?.(space, key());
                const text = await importOf([
                    { key: key(), version: 'v1' },
                    { key: key('other'), version: 'v1' }
                ]);
                for (const onConflict of ['keep', 'replace'] as const) {
                    const report = await watermarks.importWatermarks(text, { onConflict });
                    matches(
                        report,
                        { refused: 1, problems: [{ line: 2, key: key() }] },
                        `the report for ${onConflict}`
                    );
                }
                equals((await watermarks.get(key('other')))?.version, 'v1', 'the other one');
            }
        ),
        given({ needs: ['dataLimit'] })('what is too large is reported, and the rest arrives', async scene => {
            const { watermarks, key, capabilities } = scene;
            const entries = [
                { key: key('large'), version: 'v1', data: { text: 'x'.repeat(capabilities.dataLimit ?? 0) } },
                { key: key('small'), version: 'v1' }
            ];
            const report = await watermarks.importWatermarks(await importOf(entries));
            matches(report, { created: 1, refused: 1, problems: [{ line: 2, key: key('large') }] }, 'the report');
        }),
        promise('data that no store takes is reported, and the rest arrives', async ({ watermarks, key }) => {
            const deep = JSON.parse(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`) as object;
            const entries = [
                { key: key('deep'), version: 'v1', data: deep },
                { key: `${key()} \ud800`, version: 'v1' },
                { key: key('good'), version: 'v1' }
            ];
            const report = await watermarks.importWatermarks(await importOf(entries));
            matches(report, { created: 1, refused: 2, problems: [{ line: 2 }, { line: 3 }] }, 'the report');
        }),
        ...Object.entries({
            'no key': { key: undefined },
            'a key that is none': { key: 7 },
            'an empty version': { version: '' },
            'no version': { version: null },
            'data that is a list': { data: [] },
            'data that is a text': { data: 'text' },
            'data that is null': { data: null }
        }).map(isRefused),
        ...Object.entries(damages).map(([what, damage]) =>
            promise(
                `what was damaged is refused by its line, and nothing of the block is stored: ${what}`,
                async scene => {
                    const { watermarks, key } = scene;
                    const entries = [1, 2, 3].map(n => ({ key: key(`${n}`), version: 'v1' }));
                    const { text, line } = damage(await importOf(entries));
                    await refusesLine(line, () => watermarks.importWatermarks(text), what);
                    equals(await watermarks.getMany(entries.map(entry => entry.key)), new Map(), 'what was stored');
                }
            )
        ),
        promise('what stands in blocks before the damage is stored, and the rest when it is run again', async scene => {
            const { watermarks, key } = scene;
            const entries = Array.from({ length: 1_500 }, (_, n) => ({ key: key(`${n}`), version: 'v1' }));
            const text = await importOf(entries);
            const cutOff = () => watermarks.importWatermarks(text.slice(0, -200));
            await rejects(WatermarkErrorCode.INVALID_EXPORT, cutOff, 'an import that is cut off');
            const report = await watermarks.importWatermarks(text);
            matches(report, { created: 500, alreadyThere: 1_000 }, 'the report of the second time');
        }),
        promise('what the lines themselves throw comes as it is', async ({ watermarks }) => {
            const failure = new Error('no such file');
            const outcome = await watermarks.importWatermarks(failingWith(failure)).catch((error: unknown) => error);
            equals(outcome === failure, true, 'it is the same error');
        }),
        given({ needs: ['instances'] })('two imports at once store everything once', async scene => {
            const { watermarks, key, otherWatermarks } = scene;
            const entries = Array.from({ length: 300 }, (_, n) => ({ key: key(`${n}`), version: 'v1' }));
            const text = await importOf(entries);
            const services = [watermarks, await otherWatermarks()];
            const reports = await Promise.all(services.map(service => service.importWatermarks(text)));
            const created = reports.reduce((sum, report) => sum + report.created, 0);
            const there = reports.reduce((sum, report) => sum + report.alreadyThere, 0);
            equals([created, there], [300, 300], 'how many were stored, and how many were there');
        }),
        given({ own: {} })('an export of a store that is closed meanwhile ends with an error', async scene => {
            const { watermarks, key, close } = scene;
            await Promise.all([1, 2, 3].map(n => watermarks.set(key(`${n}`), 'v1')));
            const exporting = async () => {
                for await (const line of watermarks.exportWatermarks()) {
                    await (line.includes('"key"') ? close() : undefined);
                }
            };
            await rejects(WatermarkErrorCode.CLOSED, exporting, 'an export under way');
            await rejects(WatermarkErrorCode.CLOSED, () => linesOf(watermarks.exportWatermarks()), 'a later one');
            const text = await importOf([{ key: key('late'), version: 'v1' }]);
            await rejects(WatermarkErrorCode.CLOSED, () => watermarks.importWatermarks(text), 'a later import');
        })
    ]
};
