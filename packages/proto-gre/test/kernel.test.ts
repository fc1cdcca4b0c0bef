import t from 'tap'
import { livesInKernel } from '../../core/test/kernel-conformance.ts'
import { gre } from '../src/index.ts'

livesInKernel(t, gre, {
  layer4: [
    { sourceKey: 0x10, destinationKey: 0xffff },
    { sourceKey: 0xffff, destinationKey: 0x10 },
  ],
})
