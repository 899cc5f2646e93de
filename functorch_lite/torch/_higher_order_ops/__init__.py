"""``torch._higher_order_ops``: branches and loops that a captured program keeps as such."""

from .associative_scan import associative_scan as associative_scan
from .cond import cond as cond
from .scan import scan as scan
from .while_loop import while_loop as while_loop
