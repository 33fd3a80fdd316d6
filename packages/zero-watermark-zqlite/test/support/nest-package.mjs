/** What is this package's own in the Nest application of the tests, test/support/nest-app.mjs. */
export { WatermarkService, ZeroWatermarkZqliteModule as StoreModule } from '@cbnsndwch/zero-watermark-zqlite';

/** The method of a class that makes options. */
export const createOptions = 'createZqliteOptions';

/** What the application's configuration holds. */
export const settingsOf = given => ({ WATERMARK_DB_PATH: given.database });

/** The options, from that configuration. */
export const optionsOf = config => ({
    database: config.get('WATERMARK_DB_PATH'),
    retainTokens: config.get('RETAIN_TOKENS')
});

export const moreScenarios = () => ({});
