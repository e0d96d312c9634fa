"""Networks that no library has, written here under the names that their published weights use.

Unlike the rest of ``annotators``, its modules import torch at once: import them inside ``load``.
"""

from humanverse.torchvision_operators import prepare_torchvision

prepare_torchvision()
