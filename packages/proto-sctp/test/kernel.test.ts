import t from 'tap'
import { livesInKernel } from '../../core/test/kernel-conformance.ts'
import { sctp } from '../src/index.ts'

livesInKernel(t, sctp, {
  layer4: [
    { sourcePort: 36413, destinationPort: 36412 },
    { sourcePort: 36412, destinationPort: 36413 },
  ],
  fields: { state: 'COOKIE_WAIT', verificationTagOriginal: 1, verificationTagReply: 4294967295 },
  change: { state: 'ESTABLISHED', verificationTagOriginal: 2, verificationTagReply: 3 },
})
