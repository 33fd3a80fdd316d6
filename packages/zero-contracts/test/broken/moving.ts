import type { ExportLines, ExportResumeTokensOptions, ResumePoint } from '../../src/index.js';
import { MemoryResumeTokenService } from '../../src/memory/memory-resume-token.service.js';
import { MemoryWatermarkService } from '../../src/memory/memory-watermark.service.js';
import { entriesIn, exportOf, linesOf } from '../../src/testing/exports.js';
import { type ExportKind, type JsonObject } from '../../src/transfer/sealed-lines.js';
import type { Broken } from './broken-backend.js';

/** An export with something done to its entries; its seals fit. */
async function* changed(
    kind: ExportKind,
    lines: AsyncIterable<string>,
    change: (entries: JsonObject[]) => JsonObject[]
): AsyncGenerator<string> {
    yield* (await exportOf(kind, change(entriesIn(await linesOf(lines))))).match(/.*\n/g) ?? [];
}

async function textOf(lines: ExportLines): Promise<string> {
    let text = '';
    for await (const piece of typeof lines === 'string' || lines instanceof Uint8Array ? [lines] : lines) {
        text += typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1');
    }
    return text;
}

export const brokenMovesOfWatermarks: readonly Broken[] = [
    {
        defect: 'an import replaces what is there without being asked',
        breaks: 'exportWatermarks and importWatermarks: a key that has something else is kept as it is, and reported by its line',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override importWatermarks(lines: ExportLines) {
                    return super.importWatermarks(lines, { onConflict: 'replace' });
                }
            })(data, logger)
    },
    {
        defect: 'an import asks nobody what to do about conflicts',
        breaks: 'exportWatermarks and importWatermarks: a key that has something else is replaced when that is asked for',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override importWatermarks(lines: ExportLines) {
                    return super.importWatermarks(lines);
                }
            })(data, logger)
    },
    {
        defect: 'an import writes what is there again',
        breaks: 'exportWatermarks and importWatermarks: an import that is run again changes nothing',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async importWatermarks(lines: ExportLines) {
                    const report = await super.importWatermarks(lines);
                    data.all().forEach(({ key, text }) => data.write(key, text));
                    return report;
                }
            })(data, logger)
    },
    {
        defect: 'an export leaves out the data',
        breaks: 'exportWatermarks and importWatermarks: what was exported can be imported, and is then as it was',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override exportWatermarks() {
                    const withoutData = (entries: JsonObject[]) => entries.map(({ data: _, ...entry }) => entry);
                    return changed('watermarks', super.exportWatermarks(), withoutData);
                }
            })(data, logger)
    },
    {
        defect: 'an export has what was deleted',
        breaks: 'exportWatermarks and importWatermarks: an export has all watermarks with their data, and no deleted ones',
        watermarks: (data, logger) => {
            const seen = new Map<string, string>();
            return new (class extends MemoryWatermarkService {
                override set(key: string, version: string, value?: Record<string, unknown>) {
                    seen.set(key, version);
                    return super.set(key, version, value);
                }
                override exportWatermarks() {
                    return changed('watermarks', super.exportWatermarks(), entries => {
                        const keys = new Set(entries.map(({ key }) => key));
                        const gone = [...seen].filter(([key]) => !keys.has(key));
                        return [...entries, ...gone.map(([key, version]) => ({ key, version }))];
                    });
                }
            })(data, logger);
        }
    },
    {
        defect: 'an export has a key again when it is written meanwhile',
        breaks: 'exportWatermarks and importWatermarks: an export has each key once, also one that is being written',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override exportWatermarks() {
                    return changed('watermarks', super.exportWatermarks(), entries => [
                        ...entries,
                        ...entries.slice(0, 1)
                    ]);
                }
            })(data, logger)
    },
    {
        defect: 'seals are not looked at',
        breaks:
            'exportWatermarks and importWatermarks: what was damaged is refused by its line, and nothing of the block is ' +
            'stored: an export with a line that was altered',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async importWatermarks(lines: ExportLines) {
                    const entries = entriesIn((await textOf(lines)).split('\n').filter(line => line !== ''));
                    return super.importWatermarks(await exportOf('watermarks', entries));
                }
            })(data, logger)
    },
    {
        defect: 'an import is taken for one of single bytes',
        breaks: 'exportWatermarks and importWatermarks: it does not matter in which pieces an import comes',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async importWatermarks(lines: ExportLines) {
                    return super.importWatermarks(await textOf(lines));
                }
            })(data, logger)
    },
    {
        defect: 'the first watermark that is refused ends an import',
        breaks: 'exportWatermarks and importWatermarks: data that no store takes is reported, and the rest arrives',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async importWatermarks(lines: ExportLines) {
                    const report = await super.importWatermarks(lines);
                    const [problem] = report.problems;
                    if (problem !== undefined) {
                        throw new Error(problem.message);
                    }
                    return report;
                }
            })(data, logger)
    },
    {
        defect: 'an export ends like a whole one when its store is closed',
        breaks: 'exportWatermarks and importWatermarks: an export of a store that is closed meanwhile ends with an error',
        watermarks: (data, logger) =>
            new (class extends MemoryWatermarkService {
                override async *exportWatermarks() {
                    try {
                        yield* super.exportWatermarks();
                    } catch {
                        yield '{"end":true}\n';
                    }
                }
            })(data, logger)
    }
];

export const brokenMovesOfResumeTokens: readonly Broken[] = [
    {
        defect: 'an export leaves out the syncs',
        breaks: 'exportWatermarks: every watermark with its token, in their order, and syncs as such',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override exportWatermarks(which?: ExportResumeTokensOptions) {
                    const withoutSyncs = (entries: JsonObject[]) => entries.filter(entry => entry['sync'] !== true);
                    return changed('resume-tokens', super.exportWatermarks(which), withoutSyncs);
                }
            })(data, options)
    },
    {
        defect: 'a shard that does not exist is exported as empty',
        breaks: 'exportWatermarks: a shard that is named and has nothing is refused',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override exportWatermarks({ shardIds = data.shardIds() }: ExportResumeTokensOptions = {}) {
                    const there = shardIds.filter(shardId => data.shard(shardId).head() !== undefined);
                    return super.exportWatermarks({ shardIds: there });
                }
            })(data, options)
    },
    {
        defect: 'an export is always of all shards',
        breaks: 'exportWatermarks: shards one after another, as they are named; no others',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override exportWatermarks() {
                    return super.exportWatermarks();
                }
            })(data, options)
    },
    {
        defect: 'imported tokens get new watermarks when they are asked for',
        breaks: 'importWatermarks: imported tokens keep their watermarks: of a counter',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override getOrCreateWatermark(shardId: string, token: string) {
                    const imported = data.shard(shardId).find(token)?.imported === true;
                    return imported ? super.beginSync(shardId, token) : super.getOrCreateWatermark(shardId, token);
                }
            })(data, options)
    },
    {
        defect: 'small watermarks lead nowhere',
        breaks: 'importWatermarks: imported watermarks lead back to their tokens: of a counter',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async getResumeToken(shardId: string, watermark: string) {
                    return watermark.length < 5 ? undefined : super.getResumeToken(shardId, watermark);
                }
            })(data, options)
    },
    {
        defect: 'imported watermarks resume with a reset',
        breaks: 'importWatermarks: imported watermarks lead back to their tokens: of another store',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async resume(shardId: string, watermark: string | undefined): Promise<ResumePoint> {
                    const imported = data.shard(shardId).of(watermark ?? '')?.imported === true;
                    const message = 'The watermark is not one of this store.';
                    return imported
                        ? { kind: 'reset-required', reason: 'unknown', message }
                        : super.resume(shardId, watermark);
                }
            })(data, options)
    },
    {
        defect: 'syncs are imported like changes',
        breaks: 'importWatermarks: a sync leads back to its token, and is not the token’s watermark',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async getOrCreateWatermark(shardId: string, token: string) {
                    const sync = data
                        .shard(shardId)
                        .from(0)
                        .findLast(each => each.sync && each.resumeToken === token);
                    return sync?.watermark ?? super.getOrCreateWatermark(shardId, token);
                }
            })(data, options)
    },
    {
        defect: 'what was imported is no head',
        breaks: 'importWatermarks: the newest imported one is the head, until there are others',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async head(shardId: string) {
                    const head = await super.head(shardId);
                    return data.shard(shardId).head()?.imported === true ? null : head;
                }
            })(data, options)
    },
    {
        defect: 'abandon keeps what was imported',
        breaks: 'importWatermarks: after abandon nothing of it is left, and it can be imported again',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async abandon(shardId: string) {
                    await (data.shard(shardId).head()?.imported === true ? undefined : super.abandon(shardId));
                }
            })(data, options)
    },
    {
        defect: 'acknowledging removes nothing that was imported',
        breaks: 'acknowledge: what was imported goes in the same way',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async acknowledge(shardId: string, watermark: string) {
                    const imported = data.shard(shardId).of(watermark)?.imported === true;
                    await (imported ? undefined : super.acknowledge(shardId, watermark));
                }
            })(data, options)
    },
    {
        defect: 'an import empties the shard first',
        breaks: 'imports that are refused: into a shard that has given out watermarks, and these are kept',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async importWatermarks(lines: ExportLines) {
                    data.shardIds().forEach(shardId => data.shard(shardId).goOnAt(data.shard(shardId).last + 1));
                    return super.importWatermarks(lines);
                }
            })(data, options)
    },
    {
        defect: 'an import that is run again stores everything again',
        breaks: 'importWatermarks: run again it changes nothing, before the shard is used and after',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async importWatermarks(lines: ExportLines) {
                    const report = await super.importWatermarks(lines);
                    return { ...report, created: report.created + report.alreadyThere, alreadyThere: 0 };
                }
            })(data, options)
    },
    {
        defect: 'a shard that is half imported can be used',
        breaks: 'imports that have not ended: the shard answers nothing, and goes on where it stopped when it is imported again',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async importWatermarks(lines: ExportLines) {
                    try {
                        return await super.importWatermarks(lines);
                    } finally {
                        for (const shard of data.shardIds().map(shardId => data.shard(shardId))) {
                            shard.importMark = shard.importMark && { ...shard.importMark, state: 'complete' };
                        }
                    }
                }
            })(data, options)
    },
    {
        defect: 'what is left of an import is stored in a shard that was abandoned meanwhile',
        breaks: 'imports that have not ended: what is imported of a shard that is abandoned meanwhile is not taken for all of it',
        resumeTokens: (data, options) => {
            const limits = new Map<string, string>();
            return new (class extends MemoryResumeTokenService {
                override async abandon(shardId: string) {
                    limits.set(shardId, data.shard(shardId).importMark?.below ?? '');
                    await super.abandon(shardId);
                    const below = limits.get(shardId) ?? '';
                    data.shard(shardId).importMark = below === '' ? undefined : { state: 'begun', below };
                }
            })(data, options);
        }
    },
    {
        defect: 'an import that was interrupted begins from the start',
        breaks: 'imports that have not ended: the shard answers nothing, and goes on where it stopped when it is imported again',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override async importWatermarks(lines: ExportLines) {
                    for (const shard of data.shardIds().map(shardId => data.shard(shardId))) {
                        if (shard.importMark?.state === 'begun') {
                            shard.goOnAt(shard.last + 1);
                        }
                    }
                    return super.importWatermarks(lines);
                }
            })(data, options)
    },
    {
        defect: 'the order of tokens begins anew behind an import',
        breaks: 'compareResumeTokens: imported tokens are before new ones',
        resumeTokens: (data, options) =>
            new (class extends MemoryResumeTokenService {
                override getOrCreateWatermark(shardId: string, token: string) {
                    return data.shard(shardId).head()?.imported === true
                        ? new MemoryResumeTokenService(data, {
                              ...options,
                              compareResumeTokens: undefined
                          }).getOrCreateWatermark(shardId, token)
                        : super.getOrCreateWatermark(shardId, token);
                }
            })(data, options)
    }
];
