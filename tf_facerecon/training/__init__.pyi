from . import (
    c_net_training as c_net_training,
    identity_training as identity_training,
    r_net_training as r_net_training,
)
from .c_net_config import CNetConfig as CNetConfig
from .config import (
    TrainingConfig as TrainingConfig,
    load_config as load_config,
    save_config as save_config,
)
from .identity_config import IdentityConfig as IdentityConfig
