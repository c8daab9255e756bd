/** Whether the environment names a real kcp, by `KCP_BIN` or `KCP_KUBECONFIG`. */
export const isRealKcpGiven = (): boolean => Boolean(process.env['KCP_BIN'] || process.env['KCP_KUBECONFIG']);
