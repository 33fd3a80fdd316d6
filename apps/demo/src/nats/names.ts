/** The stream that the earthquakes are replayed into, one subject a seismic network. */
export const STREAM = 'earthquakes';

/** The bucket that the instances keep their watermarks in. */
export const BUCKET = 'earthquake-watermarks';

/** The stream that NATS keeps a bucket in. */
export const BUCKET_STREAM = `KV_${BUCKET}`;
