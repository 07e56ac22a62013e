"""The settings of a deployment. For a process of its own: importing it changes the environment."""

import os

from tests.deployment import DEPLOYMENT

os.environ.update(DEPLOYMENT)

from config.settings import *  # noqa: F403 (after the environment that it reads)
