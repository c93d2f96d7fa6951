/** Whether the run's Valkey is a cluster: what a test says of calls, or does by a connection of its own, may be of one server alone. */
export const isCluster = process.env.TEST_STORE === 'cluster';
