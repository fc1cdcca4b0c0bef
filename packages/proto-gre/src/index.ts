import { keys, protocol, TUPLE_USE } from '@conntrack/core/plugin'

/** IPPROTO_GRE. The keys are the call ids of PPTP's enhanced GRE (version 1), and 0 otherwise. */
export const gre = protocol({
  name: 'gre',
  number: 47,
  tuple: keys,
  labels: { sourceKey: 'srckey', destinationKey: 'dstkey' },
  protoinfo: {},
  options: [
    {
      names: ['srckey', 'orig-key-src'],
      argument: 'KEY',
      help: 'source key in original direction',
      sets: 'original.sourceKey',
      use: TUPLE_USE,
    },
    {
      names: ['dstkey', 'orig-key-dst'],
      argument: 'KEY',
      help: 'destination key in original direction',
      sets: 'original.destinationKey',
      use: TUPLE_USE,
    },
    { names: ['reply-key-src'], argument: 'KEY', help: 'source key in reply direction', sets: 'reply.sourceKey', use: TUPLE_USE },
    { names: ['reply-key-dst'], argument: 'KEY', help: 'destination key in reply direction', sets: 'reply.destinationKey', use: TUPLE_USE },
  ],
  opposite: ({ sourceKey, destinationKey }) => ({ sourceKey: destinationKey, destinationKey: sourceKey }),
})
