/** The setting with the CAs (PEM) that alone are trusted for connections to other hosts; unset: those of the system's Node. */
export const EGRESS_CA_SETTING = 'airlock.egress-ca-certs';
