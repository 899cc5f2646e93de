"""Several devices: ``pmap``, the collectives under it, and data-parallel training.

    step = pmap(train_step, axis_name="batch")      # one slice of the arguments a device
    grads = pmean(grads, "batch")                   # inside: combine the devices
    step = parallel.data_parallel(make_step)        # or leave the splitting to a wrapper

Launching processes, and splitting a model rather than the batch, are not here yet.
"""

from ._batch import replicate as replicate
from ._batch import shard_batch as shard_batch
from ._batch import unreplicate as unreplicate
from ._batch import unshard_batch as unshard_batch
from ._batch import weighted_mean as weighted_mean
from ._batch_norm import sync_batch_norm as sync_batch_norm
from ._bucket import bucketed as bucketed
from ._collectives import all_gather as all_gather
from ._collectives import all_to_all as all_to_all
from ._collectives import axis_index as axis_index
from ._collectives import axis_size as axis_size
from ._collectives import pmax as pmax
from ._collectives import pmean as pmean
from ._collectives import pmin as pmin
from ._collectives import ppermute as ppermute
from ._collectives import psum as psum
from ._collectives import psum_scatter as psum_scatter
from ._data_parallel import DataParallel as DataParallel
from ._data_parallel import Step as Step
from ._data_parallel import data_parallel as data_parallel
from ._pmap import Pmapped as Pmapped
from ._pmap import pmap as pmap
from ._queue import one_at_a_time as one_at_a_time
