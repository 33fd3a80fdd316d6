/** What is this package's own in the Nest application of the tests, test/support/nest-app.mjs. */
import { ZeroWatermarkNatsKvModule } from '@cbnsndwch/zero-watermark-nats-kv';
import { connect } from '@nats-io/transport-node';

export { WatermarkService, ZeroWatermarkNatsKvModule as StoreModule } from '@cbnsndwch/zero-watermark-nats-kv';

/** The method of a class that makes options. */
export const createOptions = 'createNatsKvOptions';

/** What the application's configuration holds. */
export const settingsOf = given => ({ NATS_SERVERS: given.servers?.join(','), NATS_BUCKET: given.bucket });

/** The options, from that configuration. */
export const optionsOf = config => ({
    servers: config.get('NATS_SERVERS')?.split(','),
    bucket: config.get('NATS_BUCKET'),
    credentials: config.get('NATS_CREDENTIALS')
});

export const moreScenarios = given => ({
    existingConnection: async () =>
        ZeroWatermarkNatsKvModule.forRoot({
            bucket: given.bucket,
            connection: await connect({ servers: given.servers, name: 'of the application' })
        })
});
